// builds: texel
// Winograd on a CPU device, step 2 for drivers that inline texel loads (Mesa 22): M = U V for each of the points.
//
// One invocation makes eight neighboring tiles of k_channels output channels of one point. As in cpu_pointwise, the tiles
// of all input channels are loaded once and stay on the stack while a loop runs over the output channels, whose sums live
// within a round. Operands in vec4s: v [point][quads][tile_step], u [point][channels][quads], m [point][channels]
// [tile_step / 4], four tiles to a vec4, then m once more to be read. Grid: x = channels / k_channels, y = tiles / 64,
// z = points; local size 8.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_channels = 8u;
// Input channels in vec4s, a multiple of 4.
layout(constant_id = 2) const uint k_quads = 16u;

layout(push_constant) uniform Push {
  uint channels;      // of u and m
  uint tile_step;     // tiles from row to row of v and m, a multiple of 8
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

const uint TILES = 8u;

void main() {
  // Zero, but not to the compiler.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint first = (gl_WorkGroupID.y * 8u + lane) * TILES;
  uint channel = gl_WorkGroupID.z * push.channels + gl_WorkGroupID.x * k_channels;
  uint v_index = gl_WorkGroupID.z * k_quads * push.tile_step + first;
  vec4 v[k_quads * TILES];
  [[unroll]] for (uint q = 0u; q < k_quads; q++) {
    [[unroll]] for (uint p = 0u; p < TILES; p++) {
      v[q * TILES + p] = LOAD4(v, v_index + q * push.tile_step + p);
    }
  }
  uint u_index = channel * k_quads + lane;
  uint target = (channel * push.tile_step + first) / TILES;
  for (uint o = 0u; o < k_channels + zero; o++) {
    TOUCH(m_old, target * 2u);
    float sums[TILES];
    [[unroll]] for (uint p = 0u; p < TILES; p++) {
      sums[p] = 0.0;
    }
    [[unroll]] for (uint q = 0u; q < k_quads; q += 8u) {
      // A texel out of range is zero.
      vec4 u = LOAD4(u, q + lane < k_quads ? u_index + q : 0x07ffffffu);
      [[unroll]] for (uint h = 0u; h < 8u; h += 4u) {
        if (q + h < k_quads) {
          vec4 half_u = duplicate_half(u, zero + h);
          [[unroll]] for (uint t = 0u; t < 16u; t++) {
            float factor = broadcast_half(half_u[t & 3u], t >> 2u);
            [[unroll]] for (uint p = 0u; p < TILES; p++) {
              sums[p] = sums[p] + factor * v[(q + h + (t >> 2u)) * TILES + p][t & 3u];
            }
          }
        }
      }
    }
    STORE8(m, target, vec4(sums[0], sums[1], sums[2], sums[3]), vec4(sums[4], sums[5], sums[6], sums[7]));
    u_index += k_quads;
    target += push.tile_step / TILES;
  }
  TOUCHED(m)
}
