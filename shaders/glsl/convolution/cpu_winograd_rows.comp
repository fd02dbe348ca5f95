// builds: texel
// Winograd on a CPU device, step 3 behind cpu_winograd_product: y = epilogue(A^T m A), tiles of 4 x 4 outputs.
//
// One invocation makes four neighboring tiles of one output channel: 16 outputs, a cache line, in each of four rows.
// Rows hold a multiple of four whole tiles and y is contiguous. Operands: m (vec4s of four tiles, [point][out_channels]
// [tile_step / 4]), bias, residual, y, y once more to be read. Grid: x = ceil(groups / local_size_x), y = channels.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_tile = 6u;

layout(push_constant) uniform Push {
  uint groups;        // of four tiles, of this dispatch
  uint group_start;
  uint tile_step;     // tiles of m from channel to channel
  uint tiles_h;
  uint groups_w;      // in a row of tiles
  uint out_channels;  // of m
  uint out_h;
  uint y_step_n;      // floats, multiples of 8
  uint y_step_c;
  uint y_step_h;
} push;

#define STORE_PAIRS
#define STORE_OCTETS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_touch.glsl"
#include "../lib/epilogue.glsl"
#include "../lib/winograd.glsl"

INPUT4(0, m)
INPUT1(1, bias)
INPUT4(2, residual)
OUTPUT4(3, y)
TOUCHABLE(4, y_old)

void main() {
  uint place = gl_GlobalInvocationID.x;
  uint safe = min(place, push.groups - 1u);
  uint group = safe + push.group_start;
  uint tile_row = group / push.groups_w;
  uint image = tile_row / push.tiles_h;
  uint out_h = (tile_row - image * push.tiles_h) * 4u;
  uint channel = gl_WorkGroupID.y;
  uint point_step = push.out_channels * push.tile_step / 4u;
  uint start = channel * push.tile_step / 4u + safe;
  uint target = image * push.y_step_n + channel * push.y_step_c + out_h * push.y_step_h +
    (group - tile_row * push.groups_w) * 16u;

  [[unroll]] for (uint i = 0u; i < 4u; i++) {
    TOUCH(y_old, (target + i * push.y_step_h) >> 2u);
  }
  // Columns first: four rows are left of each.
  vec4 rows[4u * k_tile];
  [[unroll]] for (uint k = 0u; k < k_tile; k++) {
    vec4 m[8];
    [[unroll]] for (uint i = 0u; i < k_tile; i++) {
      m[i] = LOAD4(m, (i * k_tile + k) * point_step + start);
    }
    winograd_output(k_tile, m);
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
      rows[i * k_tile + k] = m[i];
    }
  }
  float bias = k_has_bias ? LOAD1(bias, channel) : 0.0;
  if (place < push.groups) {
    // Not unrolled: a fourth of the code to compile, for a few selections.
    for (uint i = 0u; i < 4u + (gl_LocalInvocationIndex >> 20u); i++) {
      if (out_h + i < push.out_h) {
        vec4 m[8];
        [[unroll]] for (uint k = 0u; k < k_tile; k++) {
          vec4 upper = i == 0u ? rows[k] : rows[k_tile + k];
          vec4 lower = i == 2u ? rows[2u * k_tile + k] : rows[3u * k_tile + k];
          m[k] = i < 2u ? upper : lower;
        }
        winograd_output(k_tile, m);
        vec4 values[4];
        [[unroll]] for (uint t = 0u; t < 4u; t++) {
          vec4 residual = k_has_residual ? LOAD4(residual, (target >> 2u) + t) : vec4(0.0);
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            values[t][p] = epilogue_value(m[p][t], bias, residual[p]);
          }
        }
        STORE8(y, target >> 3u, values[0], values[1]);
        STORE8(y, (target >> 3u) + 1u, values[2], values[3]);
      }
      target += push.y_step_h;
    }
  }
  TOUCHED(y)
}
