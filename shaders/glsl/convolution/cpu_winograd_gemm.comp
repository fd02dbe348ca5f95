// builds: texel storage address
// Winograd on a CPU device, step 2: M = U V for each of the points, one matrix product a point.
//
// One invocation makes k_tiles tiles (eight apart, so that a subgroup reads neighbors) of 8 * k_blocks output channels of
// one point. Operands in vec4s: v [point][quads][tile_step], u [point][blocks][quads][8 lanes], m [point][out_quads]
// [tile_step]. Grid: x = blocks / k_blocks, y = tile_step / (8 * k_tiles), z = points; local size 8. In this order the
// workgroups of all output channels read the same tiles one after the other, out of the first-level cache.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef LOAD_TEXEL
#extension GL_EXT_shader_subgroup_extended_types_int64 : require
#endif
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_tiles = 4u;
layout(constant_id = 2) const uint k_blocks = 2u;
layout(constant_id = 3) const uint k_quads = 1u;
// See lib/cpu_touch.glsl.
layout(constant_id = 4) const bool k_touch = false;

#include "../lib/cpu_store_lanes.glsl"

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t v_address;
  uint64_t u_address;
  uint64_t m_address;
#endif
  uint quads;
  uint blocks;
  uint tile_step;     // tiles rounded up to 8 * k_tiles
  IDENTITY_TABLE
} push;

#define STORE_PAIRS
#define STORE_OCTETS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_broadcast.glsl"
#include "../lib/cpu_touch.glsl"

INPUT4(0, v)
INPUT4(1, u)
OUTPUT4(2, m)
TOUCHABLE(3, m_old)

SHARED_VALUE_FUNCTION

const uint k_channels = k_blocks * 8u;
const uint k_side = k_tiles > 4u ? 1u : 2u;

void main() {
  // Zero, but not to the compiler: Mesa 22 would recompile for every value of a push constant in a loop condition.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint first = gl_WorkGroupID.y * (8u * k_tiles) + lane;
  uint block = gl_WorkGroupID.x * k_blocks;
  uint point = gl_WorkGroupID.z;
  uint rounds = push.quads / k_quads + zero;
  uint u_step = push.quads * 8u;
  uint v_index = point * push.quads * push.tile_step + first;
  uint u_index = (point * push.blocks + block) * u_step + lane;

  uint target = (point * push.blocks + block) * 2u * push.tile_step + first;
  if (k_touch) {
    // Two lines for each eight tiles of four channels.
    [[unroll]] for (uint i = 0u; i < k_blocks * k_tiles * 4u; i += 8u) {
      uint line = min(i + lane, k_blocks * k_tiles * 4u - 1u);
      TOUCH(m_old, target - lane + line / (k_tiles * 2u) * push.tile_step + line % (k_tiles * 2u) * 4u);
    }
  }

  uint shared_target = SHARED_IF(true, target - lane);
  float sums[k_channels * k_tiles];
  [[unroll]] for (uint i = 0u; i < k_channels * k_tiles; i++) {
    sums[i] = 0.0;
  }
  for (uint round = 0u; round < rounds; round++) {
    vec4 v[k_quads * k_tiles];
    [[unroll]] for (uint q = 0u; q < k_quads; q++) {
      [[unroll]] for (uint p = 0u; p < k_tiles; p++) {
        v[q * k_tiles + p] = LOAD4(v, v_index + q * push.tile_step + p * 8u);
      }
    }
    [[unroll]] for (uint b = 0u; b < k_blocks; b++) {
      vec4 u[k_quads];
      vec4 half_u[k_quads];
      [[unroll]] for (uint q = 0u; q < k_quads; q++) {
        u[q] = LOAD4(u, u_index + b * u_step + q * 8u);
      }
      [[unroll]] for (uint o = 0u; o < 8u; o += k_side) {
        if ((o & 3u) == 0u) {
          [[unroll]] for (uint q = 0u; q < k_quads; q++) {
            half_u[q] = duplicate_half(u[q], zero + o);
          }
        }
        [[unroll]] for (uint q = 0u; q < k_quads; q++) {
          [[unroll]] for (uint j = 0u; j < 4u; j++) {
            [[unroll]] for (uint side = 0u; side < k_side; side++) {
              float factor = broadcast_half(half_u[q][j], (o + side) & 3u);
              [[unroll]] for (uint p = 0u; p < k_tiles; p++) {
                uint i = (b * 8u + o + side) * k_tiles + p;
                sums[i] = sums[i] + factor * v[q * k_tiles + p][j];
              }
            }
          }
        }
      }
    }
    v_index += k_quads * push.tile_step;
    u_index += k_quads * 8u;
  }
  [[unroll]] for (uint o = 0u; o < k_channels; o += 4u) {
    [[unroll]] for (uint p = 0u; p < k_tiles; p++) {
      vec4 value;
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        value[j] = sums[(o + j) * k_tiles + p];
      }
      STORE4_LANES(m, true, shared_target + (o >> 2u) * push.tile_step + p * 8u, value);
    }
  }
  if (k_touch) {
    TOUCHED(m)
  }
}
