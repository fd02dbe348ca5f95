// builds: texel storage address
// Max and average pooling in one to three dimensions: any window, any layout, float32 and float16.
//
// Operands: x and y, both seen as [outer][depth][height][width][inner]: channel-first tensors have inner = 1 and
// outer = batch * channels, channel-last ones inner = channels. Invocation i makes output word i: one float32, two
// float16, or one int32 place (k_kind 2). Every window is walked in row-major order, so results never depend on the
// device. A float32 window of K elements reads 4 K bytes for 4 written. Local size 64 or 256: no cooperation.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif

layout(local_size_x_id = 0) in;

// 0 maximum, 1 average, 2 place of the maximum: (d * height + h) * width + w, or -1
layout(constant_id = 3) const uint k_kind = 0u;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t y_address;
#endif
  uint words; // words of y
  uint last;  // index of the last element of y
  uint inner;
  uint in_d, in_h, in_w;
  uint out_d, out_h, out_w;
  uint kernel_d, kernel_h, kernel_w;
  uint stride_d, stride_h, stride_w;
  uint before_d, before_h, before_w;
  uint limit_d, limit_h, limit_w;
  uint multiplier_inner, multiplier_w, multiplier_h, multiplier_d;
  uint shifts; // five bits each for inner, out_w, out_h, out_d
} push;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "scan.glsl"
#include "window.glsl"
#include "words.glsl"

INPUT_WORDS(0, x)
OUTPUT_WORDS(1, y)

// The result for one element of y: a float32's bits or a place.
uint pooled(uint element) {
  uint rest = divide(element, push.multiplier_inner, push.shifts & 31u);
  uint c = element - rest * push.inner;
  uint row = divide(rest, push.multiplier_w, (push.shifts >> 5) & 31u);
  uint w = rest - row * push.out_w;
  uint plane = divide(row, push.multiplier_h, (push.shifts >> 10) & 31u);
  uint h = row - plane * push.out_h;
  uint outer = divide(plane, push.multiplier_d, (push.shifts >> 15) & 31u);
  uint d = plane - outer * push.out_d;
  Window wd = window_of(d, push.in_d, push.kernel_d, push.stride_d, push.before_d, push.limit_d);
  Window wh = window_of(h, push.in_h, push.kernel_h, push.stride_h, push.before_h, push.limit_h);
  Window ww = window_of(w, push.in_w, push.kernel_w, push.stride_w, push.before_w, push.limit_w);
  uint base = outer * push.in_d * push.in_h * push.in_w;

  Scan scan = scan_start();
  float sum = 0.0;
  for (int at_d = wd.first; at_d < wd.last; at_d++) {
    for (int at_h = wh.first; at_h < wh.last; at_h++) {
      uint line = (uint(at_d) * push.in_h + uint(at_h)) * push.in_w;
      for (int at_w = ww.first; at_w < ww.last; at_w++) {
        uint place = line + uint(at_w);
        uint at = (base + place) * push.inner + c;
        float value = scan_value(WORD(x, scan_word_index(at)), at);
        if (k_kind == 1u) {
          sum += value;
        } else {
          scan_take(scan, value, int(place), true);
        }
      }
    }
  }
  if (k_kind == 1u) {
    return floatBitsToUint(sum / (float(wd.divisor) * float(wh.divisor) * float(ww.divisor)));
  }
  return k_kind == 2u ? uint(scan.place) : floatBitsToUint(scan.best);
}

void main() {
  uint i = invocation_index();
  if (i >= push.words) {
    return;
  }
  uint word;
  if (k_half && k_kind != 2u) {
    // The last word may hold one element only.
    uint low = float_to_half(uintBitsToFloat(pooled(2u * i)));
    word = low | (float_to_half(uintBitsToFloat(pooled(min(2u * i + 1u, push.last)))) << 16);
  } else {
    word = pooled(i);
  }
  SET_WORD(y, i, word);
}
