// shorts: plain
// Convolution as a matrix product, filters x taps times taps x pixels, whose second matrix is never stored: each
// workgroup gathers its part of the input into shared memory while it goes along the taps (implicit GEMM).
// Index map: a workgroup makes k_tile_m filters of one group times k_tile_n columns (pixels of all images in a row); an
// invocation 4 k_rows x 4 k_cols of them, in pieces of 4 so that shared reads are vectors without bank conflicts. Per
// step of k_tile_k taps it reads k_tile_k * (k_tile_m + k_tile_n) floats for k_tile_m * k_tile_n * k_tile_k products.
// The weight comes packed: [group][tap, padded to k_tile_k][filter, padded to k_tile_m], zeros in the padding.
// Where there are too few tiles for the device, the steps are split over several workgroups (k_split): each stores its
// sums alone, as [split][filter][column], and igemm_sum.comp adds them up and finishes them.
// A transposed convolution (k_transposed) falls into phases, k_stride on each axis, with taps of their own: then a workgroup
// makes columns of one phase, and igemm_phase.glsl says which taps it walks. Parts are [split][filter, phase][column].
// Local size: k_tile_m / (4 k_rows) * k_tile_n / (4 k_cols), 64 to 256. Two shared buffers, one barrier a step; the next
// step's operands wait in registers meanwhile.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef STORE_SHORTS
#extension GL_EXT_shader_16bit_storage : require
#endif
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const uint k_tile_m = 32u;
layout(constant_id = 4) const uint k_tile_n = 32u;
layout(constant_id = 5) const uint k_tile_k = 16u;
layout(constant_id = 6) const uint k_rows = 1u;
layout(constant_id = 7) const uint k_cols = 1u;
layout(constant_id = 8) const uint k_kernel_d = 1u;
layout(constant_id = 9) const uint k_kernel_h = 1u;
layout(constant_id = 10) const uint k_kernel_w = 1u;
layout(constant_id = 11) const uint k_stride_d = 1u;
layout(constant_id = 12) const uint k_stride_h = 1u;
layout(constant_id = 13) const uint k_stride_w = 1u;
layout(constant_id = 14) const uint k_padding_d = 0u;
layout(constant_id = 15) const uint k_padding_h = 0u;
layout(constant_id = 16) const uint k_padding_w = 0u;
layout(constant_id = 17) const uint k_dilation_d = 1u;
layout(constant_id = 18) const uint k_dilation_h = 1u;
layout(constant_id = 19) const uint k_dilation_w = 1u;
// Whether a tap may lie outside the input.
layout(constant_id = 20) const bool k_bounds = true;
// Order of taps: true, all channels (padded to k_tile_k) of one kernel position after another, so that a step has one
// position; false, all kernel positions of one channel after another, without padding between channels.
layout(constant_id = 21) const bool k_position_major = false;
// How the input is read: 0 floats along columns, 1 four channels at once, 2 four columns at once (1x1 kernels).
layout(constant_id = 22) const uint k_load = 0u;
// How the result is written: 0 floats, 1 four columns at once, 2 four channels at once.
layout(constant_id = 23) const uint k_store = 0u;
// Whether the result is a part of the sums, without epilogue.
layout(constant_id = 24) const bool k_split = false;
// Taps of a step whose products are written out one after another.
layout(constant_id = 25) const uint k_unroll = 1u;
// Whether kernel, stride, padding and dilation are those of a transposed convolution; needs k_position_major, and a
// dilation of 1 where the stride is more.
layout(constant_id = 26) const bool k_transposed = false;

#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/epilogue.glsl"
#include "lib/grid.glsl"

INPUT14(0, 0, source)
layout(set = 0, binding = 1) readonly buffer Weight { vec4 quads[]; } weight;
INPUT1(2, bias)
INPUT1(3, residual)
OUTPUT4(4, result)

layout(push_constant) uniform Push {
  uint workgroups;
  uint tiles_m, tiles_n;
  uint steps;
  uint group_channels;
  uint group_filters;
  uint columns; // batch * pixels
  uint pixels, out_h, out_w;
  uint pixels_multiplier, out_h_multiplier, out_w_multiplier;
  uint shifts; // five bits each, in that order
  uint in_d, in_h, in_w;
  uint input_n, input_c, input_d, input_h, input_w; // strides in elements
  uint output_n, output_c, output_d, output_h, output_w;
  uint splits, split_stride; // elements of one part
  uint full_d, full_h, full_w; // size of a transposed convolution's result, in which phases may end at different places
} push;

const uint k_threads_n = k_tile_n / (4u * k_cols);
const uint k_threads_m = k_tile_m / (4u * k_rows);
const uint k_threads = k_threads_m * k_threads_n;
const uint k_taps = k_kernel_d * k_kernel_h * k_kernel_w;
const uint k_row_m = k_tile_m / 4u + 1u; // quads of a shared row; one more than needed spreads the banks
const uint k_row_n = k_tile_n / 4u + 1u;
const uint k_units_m = k_tile_k * k_tile_m / 4u; // quads of a weight tile
const uint k_loads_m = (k_units_m + k_threads - 1u) / k_threads;
const uint k_loads_n = k_tile_k * k_tile_n / 4u / k_threads;
// Columns that one invocation reads: several if there are more columns than invocations, or if it reads along channels.
const uint k_wide = k_tile_n > k_threads ? k_tile_n / k_threads : 1u;
const uint k_own = k_load == 1u ? k_loads_n : k_wide;
const uint k_step_rows = k_threads > k_tile_n ? k_threads / k_tile_n : 1u;
const uint k_quads_k = k_tile_k / 4u;
const uint k_quads_n = k_tile_n / 4u;

shared vec4 tile_m[2u * k_tile_k * k_row_m];
shared vec4 tile_n[2u * k_tile_k * k_row_n];

uint thread;
// Of each column that this invocation reads: offset of its image and group, and the first position of its window.
uint own_base[k_own];
uvec3 own_first[k_own];
vec4 next_m[k_loads_m];
vec4 next_n[k_loads_n];
// Kernel position and first channel of the next step (position-major order).
uvec3 position = uvec3(0u);
uint channel_first = 0u;

#include "igemm_multiply.glsl"
#include "igemm_phase.glsl"
#include "igemm_load.glsl"
#include "igemm_store.glsl"

void main() {
  if (workgroup_index() >= push.workgroups) {
    return; // the whole workgroup: no barrier is left waiting
  }
  thread = gl_LocalInvocationIndex;
  place_thread();
  uint rest = workgroup_index();
  uint filter_first = rest % push.tiles_m * k_tile_m;
  rest /= push.tiles_m;
  uint column_first = rest % push.tiles_n * k_tile_n;
  rest /= push.tiles_n;
  uint split = 0u;
  if (k_split) {
    split = rest % push.splits;
    rest /= push.splits;
  }
  uint step_first = 0u;
  uint step_end = push.steps;
  uint group = rest;
  if (k_transposed) {
    group = rest / k_phases;
    place_phase(rest - group * k_phases);
    step_end = phase_steps();
  }
  if (k_transposed && k_split && step_end == 0u) {
    return; // no tap reaches the phase: it has no parts to add up
  }
  if (k_split) {
    uint length = (step_end + push.splits - 1u) / push.splits;
    step_first = split * length;
    step_end = min(step_first + length, step_end);
  }
  // Phases may have no taps at all, or fewer steps than parts.
  bool idle = k_transposed && step_first >= step_end;
  if (k_split && !idle) {
    start_at(step_first);
  }

  [[unroll]] for (uint i = 0u; i < k_own; i++) {
    // Past the last column the last one is read again; its results are not stored.
    uint column = min(column_first + own_column(i), push.columns - 1u);
    uvec4 place = column_place(k_load == 2u ? column & ~3u : column);
    own_base[i] = place.x * push.input_n + group * push.group_channels * push.input_c;
    own_first[i] = k_transposed ? place.yzw + phase_first : place.yzw * k_strides - k_paddings;
  }
  [[unroll]] for (uint i = 0u; i < 4u * k_rows * k_cols; i++) {
    sums[i] = vec4(0.0);
  }
  uint weight_base = (group * push.steps * k_tile_k * push.tiles_m * k_tile_m + filter_first) / 4u;
  if (!idle) {
    load_next(step_first, weight_base);
    store_next(step_first & 1u);
  }
  barrier();
  uint steps = step_end + opaque_zero();
  for (uint t = step_first; t < steps; t++) {
    if (t + 1u < steps) {
      load_next(t + 1u, weight_base);
    }
    multiply(t & 1u);
    if (t + 1u < steps) {
      store_next((t + 1u) & 1u);
    }
    barrier();
  }

  uint channel_base = group * push.group_filters;
  if (k_split) {
    store_part(column_first, filter_first, split * push.split_stride, channel_base);
    return;
  }
  [[unroll]] for (uint row = 0u; row < 4u * k_rows; row++) {
    own_bias[row] = 0.0;
    if (k_has_bias) {
      uint index = min(filter_first + piece_m(row / 4u) + row % 4u, push.group_filters - 1u);
      own_bias[row] = LOAD1(bias, channel_base + index);
    }
  }
  if (k_store == 1u) {
    store_columns(column_first, filter_first, channel_base);
  } else if (k_store == 2u) {
    store_channels(column_first, filter_first, channel_base);
  } else {
    store_floats(column_first, filter_first, channel_base);
  }
}
