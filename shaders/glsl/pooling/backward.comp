// builds: texel storage address
// Gradient of max and average pooling to the input, as a gather: every input element sums what its windows send it, in
// row-major order of the windows, so that no atomic is needed and equal inputs give equal bits.
//
// Operands: head (the gradient of the output), places (int32, from forward.comp with k_kind 2; bound but unread for
// averages), dx. Tensors are seen as [outer][depth][height][width][inner]. Invocation i makes a run of k_span elements
// along the width, which share the windows over them; float16 pairs two elements in a word, with runs of one element.
// With 3x3 windows of stride 2 and runs of 4, 6 windows are read for 4 elements: 12 bytes for 4 written.
// Local size 64 or 256: no cooperation.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const bool k_average = false;
layout(constant_id = 4) const uint k_span = 1u;
// Most windows over one run, for each axis; 0 for a count that is found at run time (large windows, adaptive pooling).
layout(constant_id = 5) const uint k_windows_d = 0u;
layout(constant_id = 6) const uint k_windows_h = 0u;
layout(constant_id = 7) const uint k_windows_w = 0u;
// Axes of less than 2^22 elements, whose indices float32 divides exactly. CPU devices have no vector division of integers.
layout(constant_id = 8) const bool k_short = true;

// All windows of an average have the same divisor: none is cut off, or padding counts and none passes it.
layout(constant_id = 14) const bool k_uniform = false;
// Rows are whole runs of four words that lie together.
layout(constant_id = 9) const bool k_vector_store = false;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t head_address;
  uint64_t places_address;
  uint64_t dx_address;
#endif
  uint count; // runs, or pairs of elements
  uint last;  // index of the last element of dx
  uint inner;
  uint in_d, in_h, in_w;
  uint out_d, out_h, out_w;
  uint kernel_d, kernel_h, kernel_w;
  uint stride_d, stride_h, stride_w;
  uint before_d, before_h, before_w;
  uint limit_d, limit_h, limit_w;
  uint multiplier_inner, multiplier_w, multiplier_h, multiplier_d;
  uint shifts; // five bits each for inner, runs of a row, in_h, in_d
} push;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "scan.glsl"
#include "window.glsl"
#include "words.glsl"

INPUT_WORDS(0, head)
INPUT_WORDS(1, places)
OUTPUT_WORDS(2, dx)

float sums[k_span];

uint divide_short(uint n, uint d) {
  return k_short ? uint((float(n) + 0.5) / float(d)) : n / d;
}

// The last window that covers element e of an axis, or one before it where padding behind has windows of its own.
int last_window(uint e, uint size, uint parts, uint stride, uint before) {
  if (k_adaptive) {
    return int(((e + 1u) * parts + size - 1u) / size) - 1;
  }
  return int(min(divide_short(e + before, stride), parts - 1u));
}

int first_window(uint e, uint size, uint parts, uint kernel, uint stride, uint before) {
  if (k_adaptive) {
    return int(e * parts / size);
  }
  uint begin = e + before + 1u;
  return begin > kernel ? int(divide_short(begin - kernel + stride - 1u, stride)) : 0;
}

// Whether window i, from first on and not before 0, covers element e, which lies in the input.
bool covers(int i, uint e, Window window, uint kernel, uint stride, uint before) {
  if (k_adaptive) {
    return int(e) >= window.first && int(e) < window.last;
  }
  return i >= 0 && e + before - uint(i) * stride < kernel;
}

// Sums the gradients of one run; returns the index of its first element in dx, and how many elements the row has left.
uvec2 gradient(uint run) {
  uint rest = divide(run, push.multiplier_inner, push.shifts & 31u);
  uint c = run - rest * push.inner;
  uint row = divide(rest, push.multiplier_w, (push.shifts >> 5) & 31u);
  uint w = (rest - row * ((push.in_w + k_span - 1u) / k_span)) * k_span;
  uint plane = divide(row, push.multiplier_h, (push.shifts >> 10) & 31u);
  uint h = row - plane * push.in_h;
  uint outer = divide(plane, push.multiplier_d, (push.shifts >> 15) & 31u);
  uint d = plane - outer * push.in_d;
  int last_d = last_window(d, push.in_d, push.out_d, push.stride_d, push.before_d);
  int last_h = last_window(h, push.in_h, push.out_h, push.stride_h, push.before_h);
  int last_w =
    last_window(min(w + k_span, push.in_w) - 1u, push.in_w, push.out_w, push.stride_w, push.before_w);
  int count_d = int(k_windows_d);
  int count_h = int(k_windows_h);
  int count_w = int(k_windows_w);
  if (k_windows_w == 0u) {
    count_d += last_d + 1 - first_window(d, push.in_d, push.out_d, push.kernel_d, push.stride_d, push.before_d);
    count_h += last_h + 1 - first_window(h, push.in_h, push.out_h, push.kernel_h, push.stride_h, push.before_h);
    count_w += last_w + 1 - first_window(w, push.in_w, push.out_w, push.kernel_w, push.stride_w, push.before_w);
  }
  int place = int((d * push.in_h + h) * push.in_w + w);
  uint base = outer * push.out_d;
  float volume = float(push.kernel_d) * float(push.kernel_h) * float(push.kernel_w);

  [[unroll]] for (uint s = 0u; s < k_span; s++) {
    sums[s] = 0.0;
  }
  // Counted from 1 to a constant where there is one, so that compilers unroll.
  for (int step_d = 1; step_d <= count_d; step_d++) {
    int at_d = last_d - count_d + step_d;
    Window wd = Window(0, 0, 1);
    bool valid_d = at_d >= 0;
    if (k_average) {
      if (!k_uniform) {
        wd = window_of(uint(at_d), push.in_d, push.kernel_d, push.stride_d, push.before_d, push.limit_d);
      }
      valid_d = covers(at_d, d, wd, push.kernel_d, push.stride_d, push.before_d);
    }
    for (int step_h = 1; step_h <= count_h; step_h++) {
      int at_h = last_h - count_h + step_h;
      Window wh = Window(0, 0, 1);
      bool valid_h = valid_d && at_h >= 0;
      if (k_average) {
        if (!k_uniform) {
          wh = window_of(uint(at_h), push.in_h, push.kernel_h, push.stride_h, push.before_h, push.limit_h);
        }
        valid_h = valid_d && covers(at_h, h, wh, push.kernel_h, push.stride_h, push.before_h);
      }
      uint line = ((base + uint(at_d)) * push.out_h + uint(at_h)) * push.out_w;
      for (int step_w = 1; step_w <= count_w; step_w++) {
        int at_w = last_w - count_w + step_w;
        bool valid = valid_h && at_w >= 0;
        uint at = valid ? (line + uint(at_w)) * push.inner + c : 0u;
        float value = scan_value(WORD(head, scan_word_index(at)), at);
        if (k_average) {
          Window ww = Window(0, 0, 1);
          float divisor = volume;
          if (!k_uniform) {
            ww = window_of(uint(at_w), push.in_w, push.kernel_w, push.stride_w, push.before_w, push.limit_w);
            divisor = float(wd.divisor) * float(wh.divisor) * float(ww.divisor);
          }
          value = valid ? value / divisor : 0.0;
          [[unroll]] for (uint s = 0u; s < k_span; s++) {
            sums[s] += covers(at_w, w + s, ww, push.kernel_w, push.stride_w, push.before_w) ? value : 0.0;
          }
        } else {
          int from = valid ? int(WORD(places, at)) - place : -1;
          [[unroll]] for (uint s = 0u; s < k_span; s++) {
            sums[s] += from == int(s) ? value : 0.0;
          }
        }
      }
    }
  }
  return uvec2((row * push.in_w + w) * push.inner + c, push.in_w - w);
}

void main() {
  // Clamped, so that no lane leaves: only the stores are guarded.
  uint i = min(invocation_index(), push.count - 1u);
  bool own = invocation_index() < push.count;
  if (k_half) {
    gradient(2u * i);
    uint word = float_to_half(sums[0]);
    gradient(min(2u * i + 1u, push.last)); // the last word may hold one element only
    word |= float_to_half(sums[0]) << 16;
    if (own) {
      SET_WORD(dx, i, word);
    }
    return;
  }
  uvec2 at = gradient(i);
  if (own) {
    if (k_span == 4u && k_vector_store) {
      SET_QUAD(dx, at.x >> 2, floatBitsToUint(vec4(sums[0], sums[1 % k_span], sums[2 % k_span], sums[3 % k_span])));
    } else {
      [[unroll]] for (uint s = 0u; s < k_span; s++) {
        if (k_span == 1u || s < at.y) {
          SET_WORD(dx, at.x + s * push.inner, floatBitsToUint(sums[s]));
        }
      }
    }
  }
}
