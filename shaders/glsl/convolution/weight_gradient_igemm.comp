// Gradient of a convolution's weight as a matrix product, filters x pixels times pixels x taps: both matrices are
// gathered into shared memory while a workgroup goes along the pixels of its chunk (implicit GEMM).
// Index map: a workgroup makes k_tile_m filters of one group times k_tile_n columns (input channel and tap, in the
// order of the weight in memory) from one chunk of the pixels of all images; an invocation 4 k_rows x 4 k_cols of them.
// Per step of k_tile_k pixels it reads k_tile_k * (k_tile_m + k_tile_n) floats for k_tile_m * k_tile_n * k_tile_k
// products; where a place lies costs an addition for each, as all that depends on the tap or on the pixel alone is worked
// out once. Chunks are added up by weight_gradient_sum, in order.
// Local size: k_tile_m / (4 k_rows) * k_tile_n / (4 k_cols), 64 to 256. Two shared buffers, one barrier a step.
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
// Whether four neighboring pixels are neighbors in the gradient (and, with a kernel of one tap, in x), and are read at once.
layout(constant_id = 19) const bool k_quads_m = false;
layout(constant_id = 20) const bool k_quads_n = false;
// What may lie outside: a tap of the input on an axis (1 depth, 2 height, 4 width), a filter of the tile (8), a column (16), a
// pixel of the last step (32).
layout(constant_id = 21) const uint k_bounds = 63u;
// Whether columns go [tap][channel], so that those of a workgroup have one tap: its place is then worked out once a step. The
// result is stored so too, and weight_gradient_sum restores the weight's order.
layout(constant_id = 22) const bool k_tap_major = false;
// Pixels of a step whose products are written out one after another.
layout(constant_id = 25) const uint k_unroll = 1u;

#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/grid.glsl"

INPUT14(0, 0, x)
INPUT14(1, 1, gradient)
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
// Columns whose offset an invocation keeps: all that it reads, or one if it reads one column of several pixels.
const uint k_own = k_channel_last ? 1u : k_quads_n ? k_loads_n / 4u : k_loads_n;
const uint k_quads = k_tile_k / 4u; // of the pixels of a step

shared vec4 tile_m[2u * k_tile_k * k_row_m];
shared vec4 tile_n[2u * k_tile_k * k_row_n];

uint thread;
float next_m[k_loads_m];
float next_n[k_loads_n];
uvec3 own_tap[k_own];
uint own_base[k_own]; // offset of channel and tap
bool own_inside[k_own];

#include "igemm_multiply.glsl"
#include "weight_gradient_load.glsl"

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
    uint column = column_first + (k_quads_n ? quad_column(i) : column_of(i, k_tile_n));
    own_inside[i] = column < width;
    const bool channels_inside = k_channel_last || k_tap_major;
    uint c = channels_inside ? column % push.group_channels : column / k_taps;
    // The first column's tap is that of all in tap-major order; this way the compiler knows.
    uint tap = k_tap_major ? column_first / push.group_channels
      : k_channel_last ? column / push.group_channels : column % k_taps;
    uvec3 at = uvec3(k_kernel_d == 1u ? 0u : tap / (k_kernel_w * k_kernel_h), tap / k_kernel_w % k_kernel_h, tap % k_kernel_w);
    own_tap[i] = at * uvec3(k_dilation_d, k_dilation_h, k_dilation_w) - uvec3(k_padding_d, k_padding_h, k_padding_w);
    own_base[i] = (group * push.group_channels + c) * push.x_c + own_tap[i].x * push.x_d + own_tap[i].y * push.x_h +
      own_tap[i].z * push.x_w;
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
