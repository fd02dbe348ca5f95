// builds: texel storage address
// Gradient of max and average pooling to the input on a CPU device (lavapipe), for wide rows: float32, channel-first,
// strides of 1 or 2 along the width, rows of dx of whole octets and of the gradient of whole vec4s. As backward.comp: a
// gather in row-major order of the windows, so that equal inputs give equal bits.
//
// Operands: head (the gradient of the output), places (int32, from a forward kernel with k_kind 2; bound but unread for
// averages), dx. One invocation makes 8 neighbors of k_rows rows; lanes run over (strip of rows, run of 8) of a plane.
// Grid: x = ceil(strips * runs / local_size_x), y = outer * in_d. Runs and strips begin where a window may begin, so
// which windows cover an element is known when the shader is compiled, and each is loaded once for all its elements.
// 3 x 3 windows of stride 2, 4 rows: 12 vec4 loads for 4 stores of 32 bytes.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_rows = 4u; // a multiple of k_stride_h
layout(constant_id = 2) const bool k_average = false;
layout(constant_id = 3) const uint k_kernel_d = 1u;
layout(constant_id = 4) const uint k_kernel_h = 3u;
layout(constant_id = 5) const uint k_kernel_w = 3u;
layout(constant_id = 6) const uint k_stride_d = 1u;
layout(constant_id = 7) const uint k_stride_h = 2u;
layout(constant_id = 8) const uint k_stride_w = 2u;
// Padding in front.
layout(constant_id = 9) const uint k_before_d = 0u;
layout(constant_id = 10) const uint k_before_h = 1u;
layout(constant_id = 11) const uint k_before_w = 1u;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t head_address;
  uint64_t places_address;
  uint64_t dx_address;
#endif
  uint units; // strips * runs
  uint runs;
  uint in_d, in_h, in_w;
  uint out_d, out_h;
  uint out_vecs; // vec4s of a row of head
} push;

#define STORE_PAIRS
#define STORE_OCTETS
#include "lib/cpu_load.glsl"

INPUT4(0, head)
INPUT4(1, places)
OUTPUT4(2, dx)

// Windows before the first that may begin in a run or strip, which cover it too, and all that cover some of it.
const uint k_early_h = (k_kernel_h - 1u - k_before_h) / k_stride_h;
const uint k_early_w = (k_kernel_w - 1u - k_before_w) / k_stride_w;
const uint k_windows_d = (k_kernel_d + k_stride_d - 1u) / k_stride_d;
const uint k_windows_h = k_early_h + (k_rows - 1u + k_before_h) / k_stride_h + 1u;
const uint k_windows_w = k_early_w + (7u + k_before_w) / k_stride_w + 1u;
const uint k_left = (k_early_w + 3u) / 4u;
const uint k_lead = 4u * k_left - k_early_w;
const uint k_texels = (k_lead + k_windows_w + 3u) / 4u;
const uint k_own = 2u / k_stride_w; // vec4s of head from one run to the next

#if defined(LOAD_TEXEL)
#define LOAD_INSIDE(name, index, inside) LOAD4(name, (inside) ? (index) : 0x07ffffffu)
#else
vec4 only(bool inside, vec4 value) {
  return inside ? value : vec4(0.0);
}
#define LOAD_INSIDE(name, index, inside) only(inside, LOAD4(name, (inside) ? (index) : 0u))
#endif

// A quotient of eight lanes needs no integer division, which Mesa makes one lane after another; exact below 2^22.
uint quotient(uint n, uint d) {
  return uint((float(n) + 0.5) / float(d));
}

// Whether window i, counted from the first that covers some of a run, covers its element e: 0 <= e - begin < kernel.
bool covers(uint i, uint early, uint e, uint before, uint stride, uint kernel) {
  return e + before + early * stride - i * stride < kernel;
}

void main() {
  uint unit = min(gl_GlobalInvocationID.x, push.units - 1u);
  uint strip = quotient(unit, push.runs);
  uint run = unit - strip * push.runs;
  uint outer = quotient(gl_WorkGroupID.y, push.in_d);
  uint d = gl_WorkGroupID.y - outer * push.in_d;
  uint h = strip * k_rows;
  uint first_h = strip * (k_rows / k_stride_h) - k_early_h;
  uint last_d = quotient(d + k_before_d, k_stride_d);
  int place = int((d * push.in_h + h) * push.in_w + run * 8u);

  float sums[k_rows * 8u];
  [[unroll]] for (uint i = 0u; i < k_rows * 8u; i++) {
    sums[i] = 0.0;
  }
  [[unroll]] for (uint i = 0u; i < k_windows_d; i++) {
    // In front of the first these wrap below 0, and so fail the unsigned comparison.
    uint at_d = last_d + 1u + i - k_windows_d;
    bool inside_d = at_d < push.out_d && d + k_before_d - at_d * k_stride_d < k_kernel_d;
    [[unroll]] for (uint j = 0u; j < k_windows_h; j++) {
      uint at_h = first_h + j;
      bool inside_h = inside_d && at_h < push.out_h;
      uint row = ((outer * push.out_d + at_d) * push.out_h + at_h) * push.out_vecs;
      vec4 values[k_texels];
      ivec4 found[k_texels];
      [[unroll]] for (uint t = 0u; t < k_texels; t++) {
        uint at = run * k_own + t - k_left;
        bool inside = inside_h && at < push.out_vecs;
        values[t] = LOAD_INSIDE(head, row + at, inside);
        if (k_average) {
          values[t] /= float(k_kernel_d * k_kernel_h * k_kernel_w);
        } else {
          found[t] = floatBitsToInt(LOAD_INSIDE(places, row + at, inside)) - place;
        }
      }
      [[unroll]] for (uint e = 0u; e < k_rows; e++) {
        if (covers(j, k_early_h, e, k_before_h, k_stride_h, k_kernel_h)) {
          int line = int(e * push.in_w);
          [[unroll]] for (uint k = 0u; k < k_windows_w; k++) {
            float value = values[(k_lead + k) / 4u][(k_lead + k) % 4u];
            int from = k_average ? 0 : found[(k_lead + k) / 4u][(k_lead + k) % 4u] - line;
            [[unroll]] for (uint p = 0u; p < 8u; p++) {
              if (covers(k, k_early_w, p, k_before_w, k_stride_w, k_kernel_w)) {
                sums[e * 8u + p] += k_average || from == int(p) ? value : 0.0;
              }
            }
          }
        }
      }
    }
  }

  if (gl_GlobalInvocationID.x < push.units) {
    [[unroll]] for (uint e = 0u; e < k_rows; e++) {
      if (h + e < push.in_h) {
        vec4 low = vec4(sums[e * 8u], sums[e * 8u + 1u], sums[e * 8u + 2u], sums[e * 8u + 3u]);
        vec4 high = vec4(sums[e * 8u + 4u], sums[e * 8u + 5u], sums[e * 8u + 6u], sums[e * 8u + 7u]);
        STORE8(dx, ((gl_WorkGroupID.y * push.in_h + h + e) * push.in_w >> 3u) + run, low, high);
      }
    }
  }
}
