// builds: texel
// Winograd on a CPU device, step 2 for drivers that inline texel loads (Mesa 22): M = U V for each of the points.
//
// One invocation makes k_filters neighboring output channels of many tiles of one point, the 8 lanes of a subgroup as many
// blocks of them. As in cpu_pointwise, what differs from lane to lane is loaded once and stays on the stack: the weights
// of 4 * k_quads input channels. A loop runs over the tiles, which are spread over the lanes and broadcast; their sums
// live within a round. So no lane is idle whatever the number of tiles. More input channels take k_passes; m holds the
// sums between them. So do the taps along the depth: planes of tiles are then multiplied by as many planes of weights.
//
// Operands in vec4s: v [point][tile][quads], u [point][group][tap][quads][k_filters][8 lanes] (four input channels to a vec4),
// m [point][tile][channels / 4], then m once more to be read. Grid: x = channels / (8 * k_filters), y = planes * parts of one,
// z = points; local size 8.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
// 4 or 8.
layout(constant_id = 1) const uint k_filters = 8u;
// Input channels of a pass in vec4s, a multiple of 4.
layout(constant_id = 2) const uint k_quads = 16u;
// Passes of all taps.
layout(constant_id = 3) const uint k_passes = 1u;
// Vectors of the next weights that each lane asks for in a round: for few tiles, whose rounds take less time than that.
layout(constant_id = 4) const uint k_ahead = 0u;
layout(constant_id = 5) const uint k_taps = 1u;

layout(push_constant) uniform Push {
  uint quads;         // of v and u
  uint channels;      // of u and m
  uint tiles;         // of a workgroup
  uint v_step;        // vec4s from point to point
  uint m_step;
  uint parts;         // of a plane's tiles
  uint plane;         // tiles of a plane
  uint v_planes;
  uint first_plane;   // of v under the first tap of the first plane of m; may be negative
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

// Texels out of range are zero.
const uint NOWHERE = 0x07ffffffu;

void main() {
  // Zero, but not to the compiler.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint point = gl_WorkGroupID.z;
  uint plane = gl_WorkGroupID.y / push.parts;
  uint first_tile = (gl_WorkGroupID.y - plane * push.parts) * push.tiles;
  uint channel = (gl_WorkGroupID.x * 8u + lane) * k_filters;
  uint m_quads = push.channels / 4u;
  const uint k_tap_passes = k_passes / k_taps;

  for (uint pass = 0u; pass < k_passes + zero; pass++) {
    uint tap = pass / k_tap_passes;
    uint first_quad = (pass - tap * k_tap_passes) * k_quads;
    uint v_plane = plane + tap + push.first_plane;
    uint u_index = (((point * gl_NumWorkGroups.x + gl_WorkGroupID.x) * k_taps + tap) * push.quads + first_quad) *
      8u * k_filters + lane;
    vec4 u[k_quads * k_filters];
    [[unroll]] for (uint q = 0u; q < k_quads; q++) {
      [[unroll]] for (uint p = 0u; p < k_filters; p++) {
        bool inside = first_quad + q < push.quads;
        u[q * k_filters + p] = LOAD4(u, inside ? u_index + (q * k_filters + p) * 8u : NOWHERE);
      }
    }
    // What follows lies behind: the next pass, the next group of channels or the next point.
    uint u_ahead = u_index + k_quads * k_filters * 8u + lane * 3u;
    uint u_last = gl_NumWorkGroups.z * k_taps * push.quads * push.channels - 1u;
    uint v_index = point * push.v_step + (v_plane * push.plane + first_tile) * push.quads + first_quad + lane;
    uint target = point * push.m_step + (plane * push.plane + first_tile) * m_quads + channel / 4u;
    // Of this pass; none where the tap lies outside of the input.
    uint quads = v_plane < push.v_planes ? min(k_quads, push.quads - first_quad) : 0u;
    for (uint tile = 0u; tile < push.tiles + zero; tile++) {
      // What is there already: the sums of the last pass, or nothing but its cache line.
      vec4 old[k_filters / 4u];
      [[unroll]] for (uint i = 0u; i < k_filters / 4u; i++) {
        if (i == 0u || k_passes > 1u) {
          old[i] = LOAD4(m_old, target + i);
        }
      }
      touched |= floatBitsToUint(old[0].x);
      [[unroll]] for (uint i = 0u; i < k_ahead; i++) {
        TOUCH(u, min(u_ahead + (tile * k_ahead + i) * 32u, u_last));
      }
      float sums[k_filters];
      [[unroll]] for (uint p = 0u; p < k_filters; p++) {
        sums[p] = 0.0;
        if (k_passes > 1u) {
          sums[p] = pass == 0u ? 0.0 : old[p / 4u][p % 4u];
        }
      }
      [[unroll]] for (uint q = 0u; q < k_quads; q += 8u) {
        vec4 v = LOAD4(v, q + lane < quads ? v_index + q : NOWHERE);
        [[unroll]] for (uint h = 0u; h < 8u; h += 4u) {
          if (q + h < k_quads) {
            vec4 half_v = duplicate_half(v, zero + h);
            [[unroll]] for (uint t = 0u; t < 16u; t++) {
              float factor = broadcast_half(half_v[t & 3u], t >> 2u);
              [[unroll]] for (uint p = 0u; p < k_filters; p++) {
                sums[p] = sums[p] + factor * u[(q + h + (t >> 2u)) * k_filters + p][t & 3u];
              }
            }
          }
        }
      }
      vec4 first = vec4(sums[0], sums[1], sums[2], sums[3]);
      if (k_filters == 8u) {
        STORE8(m, target / 2u, first, vec4(sums[4], sums[5], sums[6], sums[7]));
      } else {
        STORE4(m, target, first);
      }
      v_index += push.quads;
      target += m_quads;
    }
  }
  TOUCHED(m)
}
