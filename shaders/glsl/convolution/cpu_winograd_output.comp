// builds: texel storage address
// Winograd on a CPU device, step 3: y = epilogue(A^T m A), tiles of 4 x 4 or 2 x 2 outputs.
//
// One invocation makes one tile of four output channels; lanes are tiles, as in cpu_winograd_input.
// Operands: m (vec4s of four output channels, [point][out_quads][tiles] or [point][tile][out_quads]), bias, residual, y.
// Grid: x = ceil(tiles / local_size_x), y = ceil(channels / 4); the other way round for the second order of m.
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
layout(constant_id = 1) const uint k_tile = 6u;
// Every tile row of y starts at a multiple of 4 floats and is whole: width stride 1, out_w a multiple of 4, no shuffle,
// tiles of 4 x 4.
layout(constant_id = 2) const bool k_vector_store = false;
// See lib/cpu_touch.glsl; only with k_vector_store.
layout(constant_id = 3) const bool k_touch = false;
// The second order of m.
layout(constant_id = 4) const bool k_by_tile = false;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t m_address;
  uint64_t bias_address;
  uint64_t residual_address;
  uint64_t y_address;
#endif
  uint tiles;         // of this dispatch
  uint tile_start;
  uint tiles_h;
  uint tiles_w;
  uint m_step;        // vec4s of m from point to point
  uint quad_step;     // from quad to quad
  uint tile_step;     // and from tile to tile
  uint channels;
  uint out_h;
  uint out_w;
  uint y_start;       // floats, like the strides of the stored tensor
  uint y_step_n;      // from plane to plane
  uint y_step_c;
  uint y_step_h;
  uint y_step_w;
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_touch.glsl"
#include "../lib/epilogue.glsl"
#include "../lib/winograd.glsl"

INPUT4(0, m)
INPUT1(1, bias)
INPUT14(2, 5, residual)
OUTPUT4(3, y)
TOUCHABLE(4, y_old)

const uint k_outputs = k_tile == 4u ? 2u : 4u;

void main() {
  uint place = (k_by_tile ? gl_WorkGroupID.y : gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  uint safe = min(place, push.tiles - 1u);
  uint tile = safe + push.tile_start;
  uint tile_row = tile / push.tiles_w;
  uint out_w = (tile - tile_row * push.tiles_w) * k_outputs;
  uint image = tile_row / push.tiles_h;
  uint out_h = (tile_row - image * push.tiles_h) * k_outputs;
  uint quad = k_by_tile ? gl_WorkGroupID.x : gl_WorkGroupID.y;

  if (k_touch) {
    // Lanes 0 and 1 take the lines of tiles 0 and 4 in the first channel, the next two in the second …
    uint lane = gl_SubgroupInvocationID;
    uint corner = push.y_start + image * push.y_step_n + out_h * push.y_step_h + out_w;
    uint line = subgroupShuffle(corner, (lane & 1u) * 4u) + min(quad * 4u + (lane >> 1u), push.channels - 1u) * push.y_step_c;
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
      TOUCH(y_old, (line + i * push.y_step_h) >> 2u);
    }
  }

  // Columns first: four rows (or two) are left of each.
  vec4 rows[k_outputs * k_tile];
  [[unroll]] for (uint k = 0u; k < k_tile; k++) {
    vec4 m[8];
    [[unroll]] for (uint i = 0u; i < k_tile; i++) {
      m[i] = LOAD4(m, (i * k_tile + k) * push.m_step + quad * push.quad_step + safe * push.tile_step);
    }
    winograd_output(k_tile, m);
    [[unroll]] for (uint i = 0u; i < k_outputs; i++) {
      rows[i * k_tile + k] = m[i];
    }
  }
  if (place < push.tiles) {
    uint image_start = push.y_start + image * push.y_step_n;
    vec4 bias = vec4(0.0);
    if (k_has_bias) {
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        bias[j] = LOAD1(bias, min(quad * 4u + j, push.channels - 1u));
      }
    }
    // Not unrolled: a fourth of the code to compile, for a few selections.
    for (uint i = 0u; i < k_outputs + (gl_LocalInvocationIndex >> 20u); i++) {
      if (out_h + i < push.out_h) {
        vec4 m[8];
        [[unroll]] for (uint k = 0u; k < k_tile; k++) {
          vec4 upper = i == 0u ? rows[k] : rows[k_tile + k];
          m[k] = upper;
          if (k_outputs == 4u) {
            vec4 lower = i == 2u ? rows[2u * k_tile + k] : rows[3u * k_tile + k];
            m[k] = i < 2u ? upper : lower;
          }
        }
        winograd_output(k_tile, m);
        [[unroll]] for (uint j = 0u; j < 4u; j++) {
          uint channel = quad * 4u + j;
          if (channel < push.channels) {
            if (k_vector_store) {
              uint target = image_start + channel * push.y_step_c + (out_h + i) * push.y_step_h + out_w;
              vec4 residual = k_has_residual ? LOAD4(residual, target >> 2u) : vec4(0.0);
              vec4 value;
              [[unroll]] for (uint p = 0u; p < 4u; p++) {
                value[p] = epilogue_value(m[p][j], bias[j], residual[p]);
              }
              STORE4(y, target >> 2u, value);
            } else {
              [[unroll]] for (uint p = 0u; p < k_outputs; p++) {
                if (out_w + p < push.out_w) {
                  uint target = image_start +
                    epilogue_offset(channel, 0u, out_h + i, out_w + p, push.y_step_c, 0u, push.y_step_h, push.y_step_w);
                  float residual = k_has_residual ? LOAD1(residual, target) : 0.0;
                  STORE1(y, target, epilogue_value(m[p][j], bias[j], residual));
                }
              }
            }
          }
        }
      }
    }
  }
  if (k_touch) {
    TOUCHED(y)
  }
}
