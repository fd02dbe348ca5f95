// Gradient of a convolution's weight as a matrix product, filters x pixels times pixels x taps: both matrices are
// gathered into shared memory while a workgroup goes along the pixels of its chunk (implicit GEMM).
// Index map: a workgroup makes k_tile_m filters of one group times k_tile_n columns (input channel and tap, in the
// order of the weight in memory) from one chunk of the pixels of all images; an invocation 4 k_rows x 4 k_cols of them.
// Per step of k_tile_k pixels it reads k_tile_k * (k_tile_m + k_tile_n) floats for k_tile_m * k_tile_n * k_tile_k
// products. Chunks are added up by weight_gradient_sum, in order.
// Local size: k_tile_m / (4 k_rows) * k_tile_n / (4 k_cols), 64 or 256. Two shared buffers, one barrier a step.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(constant_id = 1) const uint k_rows = 1u;
layout(constant_id = 2) const uint k_cols = 1u;
layout(constant_id = 3) const uint k_tile_m = 32u;
layout(constant_id = 4) const uint k_tile_n = 32u;
layout(constant_id = 5) const uint k_tile_k = 16u;
layout(constant_id = 6) const uint k_kernel_d = 1u;
layout(constant_id = 7) const uint k_kernel_h = 1u;
layout(constant_id = 8) const uint k_kernel_w = 1u;
layout(constant_id = 9) const uint k_stride_d = 1u;
layout(constant_id = 10) const uint k_stride_h = 1u;
layout(constant_id = 11) const uint k_stride_w = 1u;
layout(constant_id = 12) const uint k_padding_d = 0u;
layout(constant_id = 13) const uint k_padding_h = 0u;
layout(constant_id = 14) const uint k_padding_w = 0u;
layout(constant_id = 15) const uint k_dilation_d = 1u;
layout(constant_id = 16) const uint k_dilation_h = 1u;
layout(constant_id = 17) const uint k_dilation_w = 1u;
// Whether input channels are the innermost axis of the weight (channel-last layouts). Then they are neighbors in x and
// the gradient too, and neighboring invocations read neighboring channels; else neighboring pixels.
layout(constant_id = 18) const bool k_channel_last = false;
// Pixels of a step whose products are written out one after another.
layout(constant_id = 25) const uint k_unroll = 1u;

#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/grid.glsl"

INPUT1(0, x)
INPUT1(1, gradient)
OUTPUT4(2, result)

layout(push_constant) uniform Push {
  uint workgroups;
  uint tiles_m, tiles_n, groups;
  uint chunk_step; // elements from chunk to chunk in the result
  uint chunk_columns; // pixels of a chunk, a multiple of k_tile_k
  uint columns; // batch * pixels
  uint pixels, out_h, out_w;
  uint pixels_multiplier, out_h_multiplier, out_w_multiplier;
  uint shifts; // five bits each, in that order
  uint group_channels, group_filters;
  uint in_d, in_h, in_w;
  uint x_n, x_c, x_d, x_h, x_w; // strides in elements
  uint g_n, g_c, g_d, g_h, g_w;
} push;

const uint k_threads_n = k_tile_n / (4u * k_cols);
const uint k_threads_m = k_tile_m / (4u * k_rows);
const uint k_threads = k_threads_m * k_threads_n;
const uint k_taps = k_kernel_d * k_kernel_h * k_kernel_w;
const uint k_row_m = k_tile_m / 4u + 1u; // quads of a shared row; one more than needed spreads the banks
const uint k_row_n = k_tile_n / 4u + 1u;
const uint k_loads_m = k_tile_k * k_tile_m / k_threads;
const uint k_loads_n = k_tile_k * k_tile_n / k_threads;
// Taps whose place an invocation keeps: all that it reads, or one if it reads one tap of several pixels.
const uint k_own = k_channel_last ? 1u : k_loads_n;

shared vec4 tile_m[2u * k_tile_k * k_row_m];
shared vec4 tile_n[2u * k_tile_k * k_row_n];

uint thread;
float next_m[k_loads_m];
float next_n[k_loads_n];
uvec3 own_tap[k_own];
uint own_base[k_own];
bool own_inside[k_own];

#include "igemm_multiply.glsl"

// Row (pixel of a step) and column (filter or tap) of load i in a tile of some width.
uint row_of(uint i, uint width) {
  return k_channel_last ? (thread + i * k_threads) / width : (thread + i * k_threads) % k_tile_k;
}

uint column_of(uint i, uint width) {
  return k_channel_last ? (thread + i * k_threads) % width : (thread + i * k_threads) / k_tile_k;
}

// Image, d, h, w of a pixel counted over all images.
uvec4 place_of(uint column) {
  uint n = divide(column, push.pixels_multiplier, push.shifts & 31u);
  uint pixel = column - n * push.pixels;
  uint row = divide(pixel, push.out_w_multiplier, (push.shifts >> 10) & 31u);
  uint d = divide(row, push.out_h_multiplier, (push.shifts >> 5) & 31u);
  return uvec4(n, d, row - d * push.out_h, pixel - row * push.out_w);
}

void load_next(uint first, uint last, uint filter_base, uint filter_first) {
  uvec4 place = place_of(min(first + thread % k_tile_k, push.columns - 1u));
  [[unroll]] for (uint i = 0u; i < k_loads_m; i++) {
    uint column = first + row_of(i, k_tile_m);
    if (k_channel_last) {
      place = place_of(min(column, push.columns - 1u));
    }
    uint filter_index = filter_first + column_of(i, k_tile_m);
    bool inside = column < last && filter_index < push.group_filters;
    uint at = (filter_base + filter_index) * push.g_c + place.x * push.g_n + place.y * push.g_d +
      place.z * push.g_h + place.w * push.g_w;
    float value = LOAD1(gradient, inside ? at : 0u);
    next_m[i] = inside ? value : 0.0;
  }
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    uint column = first + row_of(i, k_tile_n);
    if (k_channel_last) {
      place = place_of(min(column, push.columns - 1u));
    }
    uint own = k_channel_last ? 0u : i;
    // In front of the input these wrap below 0, and so fail the unsigned comparison.
    uvec3 at_tap = place.yzw * uvec3(k_stride_d, k_stride_h, k_stride_w) + own_tap[own];
    bool inside = own_inside[own] && column < last && at_tap.x < push.in_d && at_tap.y < push.in_h &&
      at_tap.z < push.in_w;
    uint at = own_base[own] + place.x * push.x_n + at_tap.x * push.x_d + at_tap.y * push.x_h + at_tap.z * push.x_w;
    float value = LOAD1(x, inside ? at : 0u);
    next_n[i] = inside ? value : 0.0;
  }
}

void store_next(uint half_index) {
  [[unroll]] for (uint i = 0u; i < k_loads_m; i++) {
    uint column = column_of(i, k_tile_m);
    tile_m[(half_index * k_tile_k + row_of(i, k_tile_m)) * k_row_m + column / 4u][column % 4u] = next_m[i];
  }
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    uint column = column_of(i, k_tile_n);
    tile_n[(half_index * k_tile_k + row_of(i, k_tile_n)) * k_row_n + column / 4u][column % 4u] = next_n[i];
  }
}

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
  uint group = rest % push.groups;
  uint chunk = rest / push.groups;
  uint width = push.group_channels * k_taps;

  [[unroll]] for (uint i = 0u; i < k_own; i++) {
    uint column = column_first + column_of(i, k_tile_n);
    own_inside[i] = column < width;
    uint c = k_channel_last ? column % push.group_channels : column / k_taps;
    uint tap = k_channel_last ? column / push.group_channels : column % k_taps;
    uvec3 at = uvec3(tap / (k_kernel_w * k_kernel_h), tap / k_kernel_w % k_kernel_h, tap % k_kernel_w);
    own_tap[i] = at * uvec3(k_dilation_d, k_dilation_h, k_dilation_w) - uvec3(k_padding_d, k_padding_h, k_padding_w);
    own_base[i] = (group * push.group_channels + c) * push.x_c;
  }
  [[unroll]] for (uint i = 0u; i < 4u * k_rows * k_cols; i++) {
    sums[i] = vec4(0.0);
  }
  uint filter_base = group * push.group_filters;
  uint first = chunk * push.chunk_columns;
  uint last = min(first + push.chunk_columns, push.columns);
  uint steps = (last - first + k_tile_k - 1u) / k_tile_k + opaque_zero();
  load_next(first, last, filter_base, filter_first);
  store_next(0u);
  barrier();
  for (uint t = 0u; t < steps; t++) {
    if (t + 1u < steps) {
      load_next(first + (t + 1u) * k_tile_k, last, filter_base, filter_first);
    }
    multiply(t & 1u);
    if (t + 1u < steps) {
      store_next((t + 1u) & 1u);
    }
    barrier();
  }

  [[unroll]] for (uint row = 0u; row < 4u * k_rows; row++) {
    uint filter_index = filter_first + piece_m(row / 4u) + row % 4u;
    [[unroll]] for (uint c = 0u; c < k_cols; c++) {
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        uint column = column_first + piece_n(c) + j;
        if (filter_index < push.group_filters && column < width) {
          STORE1(result, chunk * push.chunk_step + (filter_base + filter_index) * width + column,
            sums[row * k_cols + c][j]);
        }
      }
    }
  }
}
