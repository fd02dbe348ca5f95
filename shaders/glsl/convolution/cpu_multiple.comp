// builds: texel storage address
// One-dimensional convolution of one channel a group with many filters on a CPU device (lavapipe): sound above all.
// Channel-first x with rows of whole vec4s, y without gaps, small kernel, any stride and dilation.
//
// Operands: x (vec4s), weight (floats, [filters][kw]), bias, residual, y. One invocation loads what 8 neighbors of a row of
// y need of x once, and makes them for many filters in turn; the lanes of a subgroup lie side by side along the rows
// (lib/cpu_lanes.glsl). Grid: x = 1, y = channels * chunks of their filters, z = n; a workgroup is as wide as a row.
//
// Rows of y begin anywhere. Those of four filters in turn are stored as vec4s from 0 to 3 places before their runs, which
// is known when compiled; what shares a vec4 with another row is left to cpu_multiple_edges.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_kernel_w = 3u;
layout(constant_id = 2) const uint k_stride_w = 1u;
layout(constant_id = 3) const uint k_dilation_w = 1u;
layout(constant_id = 4) const uint k_pad_w = 1u;
layout(constant_id = 5) const uint k_neighbors = 0u;
// Width of y modulo 4.
layout(constant_id = 6) const uint k_rest = 0u;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t weight_address;
  uint64_t bias_address;
  uint64_t residual_address;
  uint64_t y_address;
#endif
  uint chunks;          // of the filters of a channel
  uint chunk_filters;   // a multiple of 4
  uint filters;         // of a channel, a multiple of 4
  uint channels;        // of x
  uint x_vecs;          // vec4s of a row of x
  uint out_w;
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"
#include "../lib/epilogue.glsl"

INPUT4(0, x)
INPUT1(1, weight)
INPUT1(2, bias)
INPUT1(3, residual)
OUTPUT4(4, y)

const uint k_weights = (k_kernel_w + 7u) / 8u;
const uint k_own = 2u * k_stride_w;
const uint k_left = (k_pad_w + 3u * k_stride_w + 3u) / 4u;
const uint k_last = 4u * k_left + 7u * k_stride_w + (k_kernel_w - 1u) * k_dilation_w - k_pad_w;

#define LANES_WINDOW
#define LANES_TEXELS 20u
#include "../lib/cpu_lanes.glsl"

void main() {
  // Zero, but not to the compiler: Mesa 22 would recompile for every value of a push constant in a loop condition.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint image = gl_WorkGroupID.z;
  uint channel = gl_WorkGroupID.y / push.chunks;
  uint chunk = gl_WorkGroupID.y - channel * push.chunks;
  uint run = gl_LocalInvocationID.x;
  vec4 window[k_most_texels];
  read_row(window, (image * push.channels + channel) * push.x_vecs, run * k_own, run, true);

  uint filter_first = channel * push.filters + chunk * push.chunk_filters;
  uint end = min(push.chunk_filters, push.filters - chunk * push.chunk_filters) + zero;
  uint row_first = image * push.channels * push.filters;
  for (uint round = 0u; round < end; round += 4u) {
    [[unroll]] for (uint j = 0u; j < 4u; j++) {
      uint own = filter_first + round + j;
      uint back = (j * k_rest) & 3u;
      float weights[k_weights];
      [[unroll]] for (uint i = 0u; i < k_weights; i++) {
        weights[i] = LOAD1(weight, own * k_kernel_w + min(i * 8u + lane, k_kernel_w - 1u));
      }
      float bias = k_has_bias ? LOAD1(bias, own) : 0.0;
      float sums[8];
      [[unroll]] for (uint p = 0u; p < 8u; p++) {
        sums[p] = 0.0;
      }
      [[unroll]] for (uint tap = 0u; tap < k_kernel_w; tap++) {
        float factor = subgroupShuffle(weights[tap / 8u], tap % 8u);
        [[unroll]] for (uint p = 0u; p < 8u; p++) {
          uint place = 4u * k_left - k_pad_w + p * k_stride_w + tap * k_dilation_w - back * k_stride_w;
          sums[p] += factor * window[place / 4u][place % 4u];
        }
      }
      uint target = (row_first + own) * push.out_w + run * 8u - back;
      [[unroll]] for (uint q = 0u; q < 2u; q++) {
        bool begun = back == 0u || q > 0u || run > 0u;
        if (begun && run * 8u + q * 4u + 3u < push.out_w + back) {
          vec4 value;
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            float residual = k_has_residual ? LOAD1(residual, target + q * 4u + p) : 0.0;
            value[p] = epilogue_value(sums[q * 4u + p], bias, residual);
          }
          STORE4(y, (target >> 2u) + q, value);
        }
      }
    }
  }
}
