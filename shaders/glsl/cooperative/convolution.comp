// Convolution of float16 (and, in parts, of float32) as an implicit matrix product (filters x taps times taps x pixels) whose small products subgroups
// compute together in cooperative matrices, added up in float32.
// Index map: a workgroup makes k_tile_m filters of one group times k_tile_n columns (pixels of all images in a row); each of
// its subgroups k_rows x k_cols matrices of k_m x k_n. Taps go by octets, eight channels of one kernel position: a step is
// k_tile_k / 8 of them. Per step it reads k_tile_k * (k_tile_m + k_tile_n) halves, 16 bytes at once, into shared memory.
// The weight comes packed (pack_weight.comp): [group][tile of filters][step][filter][tap], zeros where there is none.
// The input has its channels in a row, in octets (as it is, or through pack_input.comp): zeros beyond the last. Where
// k_load is 1 (1x1 kernels) it has its pixels in a row.
// The build `float` computes float32 in parts: each operand comes as a float16 and what that leaves over, scaled by a power of
// two that its first octet tells (magnitude.comp). Three products of parts follow one another in the channels of a tap.
// Where there are too few tiles for the device, the steps are split over several workgroups (k_split): each stores its sums
// alone, as [split][group][filter, padded to tiles][column, padded], and sum.comp adds them up and finishes them.
// Local size: k_tile_m * k_tile_n / (k_rows * k_m * k_cols * k_n) subgroups. Two shared buffers and one barrier a step, or
// one buffer and two barriers for larger tiles; the next step's operands wait in registers meanwhile.
// builds: half float
// target: vulkan1.2
// compiler: >= 13
#version 450
#pragma use_vulkan_memory_model
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_cooperative_matrix : require

layout(local_size_x_id = 0) in;

layout(constant_id = 1) const uint k_subgroup = 32u;
layout(constant_id = 2) const uint k_m = 16u;
layout(constant_id = 3) const uint k_n = 16u;
layout(constant_id = 4) const uint k_k = 16u;
layout(constant_id = 5) const uint k_tile_m = 64u;
layout(constant_id = 6) const uint k_tile_n = 64u;
layout(constant_id = 7) const uint k_tile_k = 32u;
layout(constant_id = 8) const uint k_rows = 2u;
layout(constant_id = 9) const uint k_cols = 2u;
layout(constant_id = 10) const uint k_kernel_d = 1u;
layout(constant_id = 11) const uint k_kernel_h = 1u;
layout(constant_id = 12) const uint k_kernel_w = 1u;
layout(constant_id = 13) const uint k_stride_d = 1u;
layout(constant_id = 14) const uint k_stride_h = 1u;
layout(constant_id = 15) const uint k_stride_w = 1u;
layout(constant_id = 16) const uint k_padding_d = 0u;
layout(constant_id = 17) const uint k_padding_h = 0u;
layout(constant_id = 18) const uint k_padding_w = 0u;
layout(constant_id = 19) const uint k_dilation_d = 1u;
layout(constant_id = 20) const uint k_dilation_h = 1u;
layout(constant_id = 21) const uint k_dilation_w = 1u;
// Whether a tap may lie outside the input.
layout(constant_id = 22) const bool k_bounds = true;
// How the input is read: 0 eight channels at once, 1 eight columns at once.
layout(constant_id = 23) const uint k_load = 0u;
// How the result is written: 0 halves, 1 eight columns at once, 2 eight filters at once.
layout(constant_id = 24) const uint k_store = 0u;
// Whether the result is a part of the sums, without epilogue.
layout(constant_id = 25) const bool k_split = false;
// 1 or 2 shared buffers.
layout(constant_id = 26) const uint k_buffers = 2u;

#ifdef BUILD_FLOAT
#define VALUE float
const uint k_parts = 3u;
const uint k_head = 1u; // octets in front of packed operands
#else
#define VALUE float16_t
const uint k_parts = 1u;
const uint k_head = 0u;
#endif

#include "lib/divide.glsl"
#include "lib/epilogue.glsl"
#include "lib/grid.glsl"

layout(set = 0, binding = 0) readonly buffer Input { uvec4 octets[]; } source;
layout(set = 0, binding = 1) readonly buffer Weight { uvec4 octets[]; } weight;
layout(set = 0, binding = 2) readonly buffer Bias { VALUE values[]; } bias;
layout(set = 0, binding = 3) readonly buffer Residual { VALUE values[]; } residual;
layout(set = 0, binding = 4) writeonly buffer Output { VALUE values[]; } result;
layout(set = 0, binding = 4) writeonly buffer OutputOctets { uvec4 octets[]; } result_octets;
layout(set = 0, binding = 4) writeonly buffer OutputFloats { float values[]; } result_part;

layout(push_constant) uniform Push {
  uint workgroups;
  uint tiles_m, tiles_n;
  uint steps;
  uint tap_octets, channel_octets; // of one group: of all taps, and of one kernel position
  uint group_channels, group_filters;
  uint columns; // batch * pixels
  uint pixels, out_h, out_w;
  uint pixels_multiplier, out_h_multiplier, out_w_multiplier, channels_multiplier;
  uint shifts; // five bits each, in that order
  uint in_d, in_h, in_w;
  uint input_n, input_c, input_d, input_h, input_w; // strides in octets
  uint output_n, output_c, output_d, output_h, output_w; // in elements
  uint splits;
} push;

const uint k_threads = k_tile_m / (k_rows * k_m) * (k_tile_n / (k_cols * k_n)) * k_subgroup;
const uint k_octets = k_tile_k / 8u; // of a row of taps
const uint k_wide = k_tile_n / 8u; // octets of a row of columns
const uint k_row = k_octets + 1u; // one more than needed spreads the banks
const uint k_row_n = k_load == 1u ? k_wide + 1u : k_row;
const uint k_size_m = k_tile_m * k_row;
const uint k_size_n = k_load == 1u ? k_tile_k * k_row_n : k_tile_n * k_row;
const uint k_units_m = k_tile_m * k_octets;
const uint k_units_n = k_tile_n * k_octets;
const uint k_loads_m = (k_units_m + k_threads - 1u) / k_threads;
const uint k_loads_n = (k_units_n + k_threads - 1u) / k_threads;
// The sums of one row of matrices of a subgroup, on their way to the result.
const uint k_strip = k_cols * k_n;
const uint k_strip_row = k_strip / 4u + 1u;
const uint k_strips = k_threads / k_subgroup * k_m * k_strip_row;
const uint k_tiles = k_buffers * (k_size_m + k_size_n);

shared uvec4 pool[k_tiles > k_strips ? k_tiles : k_strips];

uint thread;
// Of each column that this invocation reads: the first position of its window, and its offset (which may lie in front).
uint own_at[k_loads_n];
uvec3 own_first[k_loads_n];
uvec4 next_m[k_loads_m];
uvec4 next_n[k_loads_n];
coopmat<float, gl_ScopeSubgroup, k_m, k_n, gl_MatrixUseAccumulator> sums[k_rows * k_cols];

#ifdef BUILD_FLOAT
#include "parts.glsl"
#endif
#include "convolution_load.glsl"
#include "convolution_store.glsl"

void multiply(uint half_index) {
  uint base_m = half_index * k_size_m;
  uint base_n = k_buffers * k_size_m + half_index * k_size_n;
  const uint across = k_tile_n / (k_cols * k_n);
  uint first_m = gl_SubgroupID / across * (k_rows * k_m);
  uint first_n = gl_SubgroupID % across * (k_cols * k_n);
  [[unroll]] for (uint k = 0u; k < k_tile_k; k += k_k) {
    coopmat<float16_t, gl_ScopeSubgroup, k_k, k_n, gl_MatrixUseB> y[k_cols];
    [[unroll]] for (uint c = 0u; c < k_cols; c++) {
      uint column = first_n + c * k_n;
      if (k_load == 1u) {
        coopMatLoad(y[c], pool, base_n + k * k_row_n + column / 8u, k_row_n, gl_CooperativeMatrixLayoutRowMajor);
      } else {
        coopMatLoad(y[c], pool, base_n + column * k_row + k / 8u, k_row, gl_CooperativeMatrixLayoutColumnMajor);
      }
    }
    [[unroll]] for (uint r = 0u; r < k_rows; r++) {
      coopmat<float16_t, gl_ScopeSubgroup, k_m, k_k, gl_MatrixUseA> x;
      coopMatLoad(x, pool, base_m + (first_m + r * k_m) * k_row + k / 8u, k_row, gl_CooperativeMatrixLayoutRowMajor);
      [[unroll]] for (uint c = 0u; c < k_cols; c++) {
        sums[r * k_cols + c] = coopMatMulAdd(x, y[c], sums[r * k_cols + c]);
      }
    }
  }
}

#ifdef BUILD_FLOAT
// Undoes the scaling of both operands, in two steps since one might leave the range.
void scale_sums() {
  int total = -scale_exponent(source.octets[0].x) - scale_exponent(weight.octets[0].x);
  int first = total / 2;
  float one = uintBitsToFloat(uint(first + 127) << 23);
  float two = uintBitsToFloat(uint(total - first + 127) << 23);
  [[unroll]] for (uint i = 0u; i < k_rows * k_cols; i++) {
    sums[i] = sums[i] * one * two;
  }
}
#endif

void main() {
  if (workgroup_index() >= push.workgroups) {
    return; // the whole workgroup: no barrier is left waiting
  }
  thread = gl_LocalInvocationIndex;
  uint rest = workgroup_index();
  uint tile_m = rest % push.tiles_m;
  rest /= push.tiles_m;
  uint tile_n = rest % push.tiles_n;
  uint group = rest / push.tiles_n;
  uint step_first = 0u;
  uint step_end = push.steps;
  uint split = 0u;
  if (k_split) {
    rest = group;
    group = rest / push.splits;
    split = rest - group * push.splits;
    uint part = (push.steps + push.splits - 1u) / push.splits;
    step_first = split * part;
    step_end = min(step_first + part, push.steps);
  }

  find_columns(tile_n * k_tile_n, group);
  [[unroll]] for (uint i = 0u; i < k_rows * k_cols; i++) {
    sums[i] = coopmat<float, gl_ScopeSubgroup, k_m, k_n, gl_MatrixUseAccumulator>(0.0);
  }
  uint weight_base = k_head + (group * push.tiles_m + tile_m) * push.steps * k_units_m;
  load_next(step_first, weight_base);
  store_next(step_first % k_buffers);
  barrier();
  for (uint t = step_first; t < step_end; t++) {
    if (t + 1u < step_end) {
      load_next(t + 1u, weight_base);
    }
    multiply(t % k_buffers);
    if (k_buffers == 1u) {
      barrier();
    }
    if (t + 1u < step_end) {
      store_next((t + 1u) % k_buffers);
    }
    barrier();
  }
#ifdef BUILD_FLOAT
  scale_sums();
#endif
  if (k_split) {
    store_part(tile_m, tile_n, split * (push.workgroups / push.splits / push.tiles_m / push.tiles_n) + group);
  } else {
    store_tile(tile_m * k_tile_m, tile_n * k_tile_n, group * push.group_filters);
  }
}
