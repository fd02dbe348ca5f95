// builds: texel
// Winograd on a CPU device, step 1 before cpu_winograd_product: V = B^T d B, zero padding included.
//
// One invocation transforms eight channels of one tile; lanes are tiles, counted over (n, tile row, tile column) from
// tile_start. Where rows are whole vectors, a lane loads the four floats that its tile steps over, and takes those beside
// them from its neighbors: a shuffle instead of a load. Operands: x (float, any strides), x_vector (the same buffer in
// vec4s, read when k_vector_load), v (vec4s of channels, [point][tile][quads]), v once more to be read.
// Grid: x = quads / 2, y = ceil(tiles / local_size_x).
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_tile = 6u;
// Also where in a tile its own four floats begin.
layout(constant_id = 2) const uint k_pad_w = 1u;
// Rows of x are contiguous and begin at multiples of four floats: x_step_w = 1, every other step and x_width % 4 == 0;
// tiles are four outputs wide, reach no further than their neighbors, and cover the rows.
layout(constant_id = 3) const bool k_vector_load = false;

layout(push_constant) uniform Push {
  uint tiles;         // of this dispatch
  uint tile_start;
  uint all_tiles;     // of the problem
  uint tiles_h;
  uint tiles_w;
  uint quads;         // a multiple of 2
  uint v_step;        // vec4s from point to point
  uint channels;
  uint x_height;
  uint x_width;
  uint pad_h;
  uint x_start;       // floats, like the strides of x
  uint x_step_n;      // from plane to plane
  uint x_step_c;
  uint x_step_h;
  uint x_step_w;
} push;

#define STORE_PAIRS
#define STORE_OCTETS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_touch.glsl"
#include "../lib/winograd.glsl"

INPUT1(0, x)
INPUT4(1, x_vector)
OUTPUT4(2, v)
TOUCHABLE(3, v_old)

// Texels out of range are zero.
const uint NOWHERE = 0x07ffffffu;
const uint NO_FLOAT = 0x1fffffffu;

const uint k_outputs = k_tile == 4u ? 2u : 4u;

void main() {
  uint lane = gl_SubgroupInvocationID;
  uint place = (gl_WorkGroupID.y * gl_WorkGroupSize.x + gl_LocalInvocationID.x) >> 1u;
  uint tile = place + push.tile_start;
  uint tile_row = tile / push.tiles_w;
  uint tile_w = tile - tile_row * push.tiles_w;
  uint image = tile_row / push.tiles_h;
  uint x_h = (tile_row - image * push.tiles_h) * k_outputs - push.pad_h;
  uint x_w = tile_w * k_outputs - k_pad_w;
  uint octet = lane & 1u;
  uint first_channel = gl_WorkGroupID.x * 16u + octet * 8u;
  bool inside = tile < push.all_tiles;
  uint target = place * (push.quads / 2u) + gl_WorkGroupID.x * 2u + octet;

  // A whole line for each tile and point; both lanes of a tile take one.
  [[unroll]] for (uint point = 0u; point < k_tile * k_tile; point += 2u) {
    TOUCH(v_old, target * 2u + (point + octet) * push.v_step);
  }
  vec4 rows[2u * k_tile * k_tile];
  [[unroll]] for (uint i = 0u; i < k_tile; i++) {
    bool row_inside = inside && x_h + i < push.x_height;
    vec4 d[16];
    if (k_vector_load) {
      uint start = (push.x_start + image * push.x_step_n + (x_h + i) * push.x_step_h) / 4u + tile_w;
      bool own = row_inside && tile_w * 4u < push.x_width;
      bool first = tile_w == 0u;
      bool last = (tile_w + 1u) * 4u >= push.x_width;
      bool follows = row_inside && !first && tile_w * 4u < push.x_width + 4u;
      // What lies beside the subgroup's four tiles.
      uint before = subgroupShuffle(follows ? start - 1u : NOWHERE, 0u);
      uint behind = subgroupShuffle(row_inside && !last ? start + 1u : NOWHERE, 7u);
      [[unroll]] for (uint half_octet = 0u; half_octet < 2u; half_octet++) {
        // Each lane loads it for another channel: lane 2 j + octet for channel j of the half octet.
        uint other = first_channel + half_octet * 4u + (lane >> 1u);
        uint other_step = other * (push.x_step_c / 4u);
        vec4 left_edge = LOAD4(x_vector, before != NOWHERE && other < push.channels ? before + other_step : NOWHERE);
        vec4 right_edge = LOAD4(x_vector, behind != NOWHERE && other < push.channels ? behind + other_step : NOWHERE);
        [[unroll]] for (uint j = 0u; j < 4u; j++) {
          uint channel = first_channel + half_octet * 4u + j;
          bool valid = own && channel < push.channels;
          vec4 texel = LOAD4(x_vector, valid ? start + channel * (push.x_step_c / 4u) : NOWHERE);
          [[unroll]] for (uint k = 0u; k < k_tile; k++) {
            float value;
            if (k < k_pad_w) {
              uint p = (k + 4u - k_pad_w) & 3u;
              float left = subgroupShuffle(texel[p], (lane - 2u) & 7u);
              float edge = subgroupShuffle(left_edge[p], 2u * j + octet);
              left = lane < 2u ? edge : left;
              value = first ? 0.0 : left;
            } else if (k < k_pad_w + 4u) {
              value = texel[(k - k_pad_w) & 3u];
            } else {
              uint p = (k - k_pad_w) & 3u;
              float right = subgroupShuffle(texel[p], (lane + 2u) & 7u);
              float edge = subgroupShuffle(right_edge[p], 2u * j + octet);
              right = lane >= 6u ? edge : right;
              value = last ? 0.0 : right;
            }
            d[half_octet * 8u + k][j] = value;
          }
        }
      }
    } else {
      uint base = push.x_start + image * push.x_step_n + first_channel * push.x_step_c + (x_h + i) * push.x_step_h;
      [[unroll]] for (uint k = 0u; k < k_tile; k++) {
        bool column_inside = row_inside && x_w + k < push.x_width;
        [[unroll]] for (uint c = 0u; c < 8u; c++) {
          bool valid = column_inside && first_channel + c < push.channels;
          uint index = base + c * push.x_step_c + (x_w + k) * push.x_step_w;
          d[(c >> 2u) * 8u + k][c & 3u] = LOAD1(x, valid ? index : NO_FLOAT);
        }
      }
    }
    [[unroll]] for (uint q = 0u; q < 2u; q++) {
      vec4 part[8];
      [[unroll]] for (uint k = 0u; k < k_tile; k++) {
        part[k] = d[q * 8u + k];
      }
      winograd_input(k_tile, part);
      [[unroll]] for (uint k = 0u; k < k_tile; k++) {
        rows[(q * k_tile + i) * k_tile + k] = part[k];
      }
    }
  }
  if (place < push.tiles) {
    uint column_step = push.v_step / 2u;
    uint row_step = k_tile * column_step;
    [[unroll]] for (uint k = 0u; k < k_tile; k++) {
      vec4 ends[4];
      [[unroll]] for (uint q = 0u; q < 2u; q++) {
        vec4 d[8];
        [[unroll]] for (uint i = 0u; i < k_tile; i++) {
          d[i] = rows[(q * k_tile + i) * k_tile + k];
        }
        ends[q] = winograd_input_end(k_tile, 0u, d);
        ends[2u + q] = winograd_input_end(k_tile, k_tile - 1u, d);
      }
      STORE8(v, target + k * column_step, ends[0], ends[1]);
      STORE8(v, target + k * column_step + (k_tile - 1u) * row_step, ends[2], ends[3]);
    }
    // The rows of opposite points share their work. Not unrolled: half the code to compile.
    for (uint pair = 0u; pair < k_tile / 2u - 1u + (gl_LocalInvocationIndex >> 20u); pair++) {
      vec3 even = winograd_input_even(k_tile, pair);
      vec3 odd = winograd_input_odd(k_tile, pair);
      target += row_step;
      [[unroll]] for (uint k = 0u; k < k_tile; k++) {
        vec4 a[2];
        vec4 b[2];
        [[unroll]] for (uint q = 0u; q < 2u; q++) {
          uint at = q * k_tile * k_tile + k;
          a[q] = even.x * rows[at + 2u * k_tile];
          b[q] = odd.x * rows[at + k_tile];
          if (k_tile > 4u) {
            a[q] += even.y * rows[at + 4u * k_tile];
            b[q] += odd.y * rows[at + 3u * k_tile];
          }
          if (k_tile == 8u) {
            a[q] += even.z * rows[at + 6u * k_tile];
            b[q] += odd.z * rows[at + 5u * k_tile];
          }
        }
        STORE8(v, target + k * column_step, a[0] + b[0], a[1] + b[1]);
        STORE8(v, target + k * column_step + row_step, a[0] - b[0], a[1] - b[1]);
      }
      target += row_step;
    }
  }
  TOUCHED(v)
}
