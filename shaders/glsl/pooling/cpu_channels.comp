// builds: texel storage address
// Max and average pooling on a CPU device: float32, channel-last, channels in whole vec4s, any window.
//
// Operands: x and y, both [batch][depth][height][width][quads] of vec4s. Invocation i makes vec4 i of y, that is four
// channels of one window, so that every load and store is a vec4: a window of K elements reads 16 K bytes for 16
// written. No shared memory, no barrier; local size only sets how many vec4s share a coroutine frame.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
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
  uint count; // vec4s of y
  uint quads; // vec4s of channels
  uint in_d, in_h, in_w;
  uint out_d, out_h, out_w;
  uint kernel_d, kernel_h, kernel_w;
  uint stride_d, stride_h, stride_w;
  uint before_d, before_h, before_w;
  uint limit_d, limit_h, limit_w;
  uint multiplier_quads, multiplier_w, multiplier_h, multiplier_d;
  uint shifts; // five bits each for quads, out_w, out_h, out_d
} push;

#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "scan.glsl"
#include "window.glsl"

INPUT4(0, x)
OUTPUT4(1, y)

void main() {
  uint i = min(invocation_index(), push.count - 1u);
  uint rest = divide(i, push.multiplier_quads, push.shifts & 31u);
  uint c = i - rest * push.quads;
  uint row = divide(rest, push.multiplier_w, (push.shifts >> 5) & 31u);
  uint w = rest - row * push.out_w;
  uint plane = divide(row, push.multiplier_h, (push.shifts >> 10) & 31u);
  uint h = row - plane * push.out_h;
  uint image = divide(plane, push.multiplier_d, (push.shifts >> 15) & 31u);
  uint d = plane - image * push.out_d;
  Window wd = window_of(d, push.in_d, push.kernel_d, push.stride_d, push.before_d, push.limit_d);
  Window wh = window_of(h, push.in_h, push.kernel_h, push.stride_h, push.before_h, push.limit_h);
  Window ww = window_of(w, push.in_w, push.kernel_w, push.stride_w, push.before_w, push.limit_w);
  uint base = image * push.in_d * push.in_h * push.in_w;

  Scan scans[4];
  [[unroll]] for (uint j = 0u; j < 4u; j++) {
    scans[j] = scan_start();
  }
  vec4 sums = vec4(0.0);
  for (int at_d = wd.first; at_d < wd.last; at_d++) {
    for (int at_h = wh.first; at_h < wh.last; at_h++) {
      uint line = (uint(at_d) * push.in_h + uint(at_h)) * push.in_w;
      for (int at_w = ww.first; at_w < ww.last; at_w++) {
        uint place = line + uint(at_w);
        vec4 x = LOAD4(x, (base + place) * push.quads + c);
        [[unroll]] for (uint j = 0u; j < 4u; j++) {
          if (k_kind == 1u) {
            sums[j] += x[j];
          } else if (k_kind == 0u && !k_propagate) {
            bool wins = x[j] > scans[j].best && !scan_nan(x[j]);
            scans[j].best = wins ? x[j] : scans[j].best;
          } else {
            scan_take(scans[j], x[j], int(place), true);
          }
        }
      }
    }
  }
  vec4 y;
  float divisor = float(wd.divisor) * float(wh.divisor) * float(ww.divisor);
  [[unroll]] for (uint j = 0u; j < 4u; j++) {
    y[j] = k_kind == 1u ? sums[j] / divisor : (k_kind == 2u ? intBitsToFloat(scans[j].place) : scans[j].best);
  }
  if (invocation_index() < push.count) {
    STORE4(y, i, y);
  }
}
