// builds: texel
// Winograd on a CPU device, step 3 behind cpu_winograd_product: y = epilogue(A^T m A), tiles of 4 x 4 outputs.
//
// One invocation makes two neighboring tiles of four output channels: 8 outputs, stored at once, in each of four rows.
// Rows of y are contiguous and hold an even number of whole tiles. Operands: m (vec4s of channels, [point][tile]
// [out_quads]), bias, residual, y, y once more to be read. Grid: x = ceil(channels / 4), y = ceil(pairs / local_size_x).
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_tile = 6u;

layout(push_constant) uniform Push {
  uint pairs;         // of two tiles, of this dispatch
  uint pair_start;
  uint tiles_h;
  uint pairs_w;       // in a row of tiles
  uint out_quads;     // of m
  uint m_step;        // vec4s from point to point
  uint channels;
  uint out_h;
  uint y_start;       // floats, multiples of 8
  uint y_step_n;      // from plane to plane
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
  uint lane = gl_SubgroupInvocationID;
  uint place = gl_WorkGroupID.y * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  uint safe = min(place, push.pairs - 1u);
  uint pair = safe + push.pair_start;
  uint tile_row = pair / push.pairs_w;
  uint image = tile_row / push.tiles_h;
  uint out_h = (tile_row - image * push.tiles_h) * 4u;
  uint quad = gl_WorkGroupID.x;
  uint m_index = safe * 2u * push.out_quads + quad;
  uint target = push.y_start + image * push.y_step_n + quad * 4u * push.y_step_c + out_h * push.y_step_h +
    (pair - tile_row * push.pairs_w) * 8u;

  // Lanes 0 to 3 take the lines of every other pair in the first channel, the others in the second, and so on.
  uint line = subgroupShuffle(target, (lane & 3u) * 2u) + (lane >> 2u) * push.y_step_c;
  [[unroll]] for (uint i = 0u; i < 8u; i++) {
    TOUCH(y_old, (line + (i & 3u) * push.y_step_h + (i >> 2u) * 2u * push.y_step_c) >> 2u);
  }
  // Columns first: four rows are left of each.
  vec4 rows[8u * k_tile];
  [[unroll]] for (uint t = 0u; t < 2u; t++) {
    [[unroll]] for (uint k = 0u; k < k_tile; k++) {
      vec4 m[8];
      [[unroll]] for (uint i = 0u; i < k_tile; i++) {
        m[i] = LOAD4(m, (i * k_tile + k) * push.m_step + m_index + t * push.out_quads);
      }
      winograd_output(k_tile, m);
      [[unroll]] for (uint i = 0u; i < 4u; i++) {
        rows[(t * 4u + i) * k_tile + k] = m[i];
      }
    }
  }
  if (place < push.pairs) {
    vec4 bias = vec4(0.0);
    if (k_has_bias) {
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        bias[j] = LOAD1(bias, min(quad * 4u + j, push.channels - 1u));
      }
    }
    // Not unrolled: a fourth of the code to compile, for a few selections.
    for (uint i = 0u; i < 4u + (gl_LocalInvocationIndex >> 20u); i++) {
      if (out_h + i < push.out_h) {
        vec4 results[8];
        [[unroll]] for (uint t = 0u; t < 2u; t++) {
          vec4 m[8];
          [[unroll]] for (uint k = 0u; k < k_tile; k++) {
            uint at = t * 4u * k_tile + k;
            vec4 upper = i == 0u ? rows[at] : rows[at + k_tile];
            vec4 lower = i == 2u ? rows[at + 2u * k_tile] : rows[at + 3u * k_tile];
            m[k] = i < 2u ? upper : lower;
          }
          winograd_output(k_tile, m);
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            results[t * 4u + p] = m[p];
          }
        }
        [[unroll]] for (uint j = 0u; j < 4u; j++) {
          if (quad * 4u + j < push.channels) {
            uint start = target + j * push.y_step_c;
            vec4 values[2];
            [[unroll]] for (uint t = 0u; t < 2u; t++) {
              vec4 residual = k_has_residual ? LOAD4(residual, (start >> 2u) + t) : vec4(0.0);
              [[unroll]] for (uint p = 0u; p < 4u; p++) {
                values[t][p] = epilogue_value(results[t * 4u + p][j], bias[j], residual[p]);
              }
            }
            STORE8(y, start >> 3u, values[0], values[1]);
          }
        }
      }
      target += push.y_step_h;
    }
  }
  TOUCHED(y)
}
