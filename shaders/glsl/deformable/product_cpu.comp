// builds: texel storage
// Matrix product of packed operands on a CPU device (lavapipe): result[m][n] = sum over k of left[m][k] * right[k][n].
//
// left: [group][rows / 8][depth][8] vec4s (four k each); right: panels of 32 columns, [panel][depth][32]. One invocation
// makes four columns (a run) of 8 * k_blocks rows; the 8 lanes of a subgroup take the 8 runs of a panel. Lane l of a
// load of `left` holds row 8 * block + l; a shuffle with a constant index broadcasts it. No shared memory, no barrier.
// Arithmetic: with two blocks 4096 operations for 6 vec4 loads.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_blocks = 1u;

#include "product.glsl"

void main() {
  uint lane = gl_SubgroupInvocationID;
  uint index = min(workgroup_index(), push.workgroups - 1u);
  bool live = workgroup_index() < push.workgroups;
  uint block = (index % push.blocks) * k_blocks;
  index /= push.blocks;
  uint slab = index % push.slabs;
  uint group = index / push.slabs;
  uint run = slab * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  live = live && run < push.runs;
  uint safe_run = min(run, push.runs - 1u);
  uint right_index = push.right_start + group * push.right_group + (safe_run >> 3u) * push.right_panel +
    (safe_run & 7u) * 4u;
  uint left_index = push.left_start + group * push.left_group + block * push.left_block + lane;

  float sums[k_blocks * 32u];
  [[unroll]] for (uint i = 0u; i < k_blocks * 32u; i++) {
    sums[i] = 0.0;
  }
  uint depth = push.depth + opaque_zero();
  for (uint k = 0u; k < depth; k++) {
    vec4 x[4];
    [[unroll]] for (uint b = 0u; b < k_blocks; b++) {
      vec4 w = LOAD4(left, left_index + b * push.left_block);
      if (b == 0u) {
        [[unroll]] for (uint p = 0u; p < 4u; p++) {
          x[p] = LOAD4(right, right_index + p);
        }
      }
      // Eight sums at a time: they stay in registers.
      [[unroll]] for (uint o = 0u; o < 8u; o += 2u) {
        [[unroll]] for (uint j = 0u; j < 4u; j++) {
          [[unroll]] for (uint side = 0u; side < 2u; side++) {
            float factor = subgroupShuffle(w[j], o + side);
            [[unroll]] for (uint p = 0u; p < 4u; p++) {
              uint i = (b * 8u + o + side) * 4u + p;
              sums[i] = sums[i] + factor * x[p][j];
            }
          }
        }
      }
    }
    left_index += 8u;
    right_index += 32u;
  }

  if (live) {
    Target target = target_of(run, group);
    [[unroll]] for (uint b = 0u; b < k_blocks; b++) {
      store_rows(target, (block + b) * 8u, float[32](
        sums[b * 32u], sums[b * 32u + 1u], sums[b * 32u + 2u], sums[b * 32u + 3u],
        sums[b * 32u + 4u], sums[b * 32u + 5u], sums[b * 32u + 6u], sums[b * 32u + 7u],
        sums[b * 32u + 8u], sums[b * 32u + 9u], sums[b * 32u + 10u], sums[b * 32u + 11u],
        sums[b * 32u + 12u], sums[b * 32u + 13u], sums[b * 32u + 14u], sums[b * 32u + 15u],
        sums[b * 32u + 16u], sums[b * 32u + 17u], sums[b * 32u + 18u], sums[b * 32u + 19u],
        sums[b * 32u + 20u], sums[b * 32u + 21u], sums[b * 32u + 22u], sums[b * 32u + 23u],
        sums[b * 32u + 24u], sums[b * 32u + 25u], sums[b * 32u + 26u], sums[b * 32u + 27u],
        sums[b * 32u + 28u], sums[b * 32u + 29u], sums[b * 32u + 30u], sums[b * 32u + 31u]));
    }
  }
}
