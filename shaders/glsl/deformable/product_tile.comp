// builds: texel storage
// Matrix product of packed operands on any device: result[m][n] = sum over k of left[m][k] * right[k][n]; operands as in
// product_cpu.comp. A workgroup of 64 makes 64 rows x 64 columns, an invocation 8 x 8 as two runs of eight rows. Shared
// memory: 4 quads of depth of both operands, 8 KiB. Per quad of depth an invocation reads 16 vec4s and does 256
// multiply-adds. Loads past the operands are clamped; the stores are guarded.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 64) in;

#include "product.glsl"

const uint k_step = 4u;
shared vec4 left_tile[k_step * 64u];
shared vec4 right_tile[k_step * 64u];

void main() {
  uint id = gl_LocalInvocationID.x;
  uint index = min(workgroup_index(), push.workgroups - 1u);
  bool live = workgroup_index() < push.workgroups;
  uint slab = index % push.slabs;
  index /= push.slabs;
  uint tile = index % push.blocks;
  uint group = index / push.blocks;

  // Invocation id loads vec4 id of each step: row id of the left tile, column id of the right one.
  uint row_blocks = (push.rows + 7u) / 8u;
  uint block = min(tile * 8u + (id >> 3u), row_blocks - 1u);
  uint left_index = push.left_start + group * push.left_group + block * push.left_block + (id & 7u);
  uint panels = (push.runs + 7u) / 8u;
  uint panel = min(slab * 2u + (id >> 5u), panels - 1u);
  uint right_index = push.right_start + group * push.right_group + panel * push.right_panel + (id & 31u);

  uint my_rows = (id >> 3u) * 8u;
  uint my_columns = (id & 7u) * 8u;
  float sums[64];
  [[unroll]] for (uint i = 0u; i < 64u; i++) {
    sums[i] = 0.0;
  }
  for (uint k = 0u; k < push.depth; k += k_step) {
    [[unroll]] for (uint s = 0u; s < k_step; s++) {
      uint deep = min(k + s, push.depth - 1u);
      bool valid = k + s < push.depth;
      vec4 l = LOAD4(left, left_index + deep * 8u);
      vec4 r = LOAD4(right, right_index + deep * 32u);
      left_tile[s * 64u + id] = valid ? l : vec4(0.0);
      right_tile[s * 64u + id] = valid ? r : vec4(0.0);
    }
    barrier();
    [[unroll]] for (uint s = 0u; s < k_step; s++) {
      vec4 r[8];
      [[unroll]] for (uint n = 0u; n < 8u; n++) {
        r[n] = right_tile[s * 64u + my_columns + n];
      }
      [[unroll]] for (uint m = 0u; m < 8u; m++) {
        vec4 l = left_tile[s * 64u + my_rows + m];
        [[unroll]] for (uint n = 0u; n < 8u; n++) {
          [[unroll]] for (uint j = 0u; j < 4u; j++) {
            sums[m * 8u + n] = sums[m * 8u + n] + l[j] * r[n][j];
          }
        }
      }
    }
    barrier();
  }

  [[unroll]] for (uint half_index = 0u; half_index < 2u; half_index++) {
    uint run = slab * 16u + (id & 7u) * 2u + half_index;
    if (live && run < push.runs) {
      float part[32];
      [[unroll]] for (uint i = 0u; i < 32u; i++) {
        part[i] = sums[(i >> 2u) * 8u + half_index * 4u + (i & 3u)];
      }
      store_rows(target_of(run, group), tile * 64u + my_rows, part);
    }
  }
}
