// builds: texel storage address
// Max and average pooling, channel-first, rows of whole vec4s, small windows: on CPU devices, and on GPUs.
//
// Operands: x and y, both [plane][depth][height][width]. Invocation i makes 4 neighbors of one output row from the
// vec4s of k_vecs columns under them, each loaded once for each kernel row. A vec4 lies wholly inside a row or wholly
// outside. With 3x3 windows of stride 2, 9 vec4 loads make 4 results: 36 bytes for 4 written, most of them out of L1.
// No shared memory, no barrier; local size only sets how many runs share a coroutine frame.
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
layout(constant_id = 4) const uint k_kernel_d = 1u;
layout(constant_id = 5) const uint k_kernel_h = 3u;
layout(constant_id = 6) const uint k_kernel_w = 3u;
layout(constant_id = 7) const uint k_stride_w = 2u;
// Columns between the first vec4 and the first window: -before_w modulo 4.
layout(constant_id = 8) const uint k_lead = 3u;
layout(constant_id = 9) const bool k_vector_store = false; // output rows are whole vec4s

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t y_address;
#endif
  uint count; // runs of 4 results
  uint runs;  // in a row
  uint in_d, in_h, vecs; // vecs: vec4s of an input row
  uint out_d, out_h, out_w;
  uint stride_d, stride_h;
  uint before_d, before_h, before_w;
  uint limit_d, limit_h, limit_w;
  uint multiplier_w, multiplier_h, multiplier_d;
  uint shifts; // five bits each for runs, out_h, out_d
} push;

#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "scan.glsl"
#include "window.glsl"

INPUT4(0, x)
OUTPUT4(1, y)

const uint k_vecs = (k_lead + 3u * k_stride_w + k_kernel_w + 3u) / 4u;

void main() {
  uint i = min(invocation_index(), push.count - 1u);
  uint row = divide(i, push.multiplier_w, push.shifts & 31u);
  uint run = i - row * push.runs;
  uint plane = divide(row, push.multiplier_h, (push.shifts >> 5) & 31u);
  uint h = row - plane * push.out_h;
  uint outer = divide(plane, push.multiplier_d, (push.shifts >> 10) & 31u);
  uint d = plane - outer * push.out_d;
  int first_d = int(d * push.stride_d) - int(push.before_d);
  int first_h = int(h * push.stride_h) - int(push.before_h);
  int first_v = (int(4u * run * k_stride_w) - int(push.before_w + k_lead)) >> 2; // exact: a multiple of 4

  Scan scans[4];
  float sums[4];
  [[unroll]] for (uint p = 0u; p < 4u; p++) {
    scans[p] = scan_start();
    sums[p] = 0.0;
  }
  [[unroll]] for (uint kd = 0u; kd < k_kernel_d; kd++) {
    int at_d = first_d + int(kd);
    [[unroll]] for (uint kh = 0u; kh < k_kernel_h; kh++) {
      int at_h = first_h + int(kh);
      bool valid_row = uint(at_d) < push.in_d && uint(at_h) < push.in_h;
      uint line = valid_row ? (outer * push.in_d + uint(at_d)) * push.in_h + uint(at_h) : 0u;
      uint place = (uint(at_d) * push.in_h + uint(at_h)) * push.vecs * 4u;
      vec4 x[k_vecs];
      bool valid[k_vecs];
      [[unroll]] for (uint v = 0u; v < k_vecs; v++) {
        uint at = uint(first_v + int(v));
        valid[v] = valid_row && at < push.vecs;
        x[v] = LOAD4(x, line * push.vecs + (valid[v] ? at : 0u));
        // What never wins and adds nothing.
        x[v] = valid[v] ? x[v] : vec4(k_kind == 1u ? 0.0 : k_lowest);
      }
      [[unroll]] for (uint p = 0u; p < 4u; p++) {
        [[unroll]] for (uint t = 0u; t < k_kernel_w; t++) {
          uint column = k_lead + p * k_stride_w + t;
          float value = x[column / 4u][column % 4u];
          if (k_kind == 1u) {
            sums[p] += value;
          } else if (k_kind == 0u) {
            bool wins = value > scans[p].best && !scan_nan(value);
            scans[p].best = wins ? value : scans[p].best;
          } else {
            scan_take(scans[p], value, int(place + column) + first_v * 4, valid[column / 4u]);
          }
        }
      }
    }
  }

  vec4 y;
  float rows = 1.0;
  if (k_kind == 1u) {
    Window wd = window_of(d, push.in_d, k_kernel_d, push.stride_d, push.before_d, push.limit_d);
    Window wh = window_of(h, push.in_h, k_kernel_h, push.stride_h, push.before_h, push.limit_h);
    rows = float(wd.divisor) * float(wh.divisor);
  }
  [[unroll]] for (uint p = 0u; p < 4u; p++) {
    if (k_kind == 1u) {
      Window ww =
        window_of(run * 4u + p, push.vecs * 4u, k_kernel_w, k_stride_w, push.before_w, push.limit_w);
      y[p] = sums[p] / (rows * float(ww.divisor));
    } else {
      y[p] = k_kind == 2u ? intBitsToFloat(scans[p].place) : scans[p].best;
    }
  }
  if (invocation_index() < push.count) {
    if (k_vector_store) {
      STORE4(y, i, y);
    } else {
      uint at = row * push.out_w + run * 4u;
      [[unroll]] for (uint p = 0u; p < 4u; p++) {
        if (run * 4u + p < push.out_w) {
          STORE1(y, at + p, y[p]);
        }
      }
    }
  }
}
