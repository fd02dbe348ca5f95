// builds: texel storage
// Matrix product of packed operands on any device: result[m][n] = sum over k of left[m][k] * right[k][n]; operands as in
// product_cpu.comp. A workgroup makes 64 rows x 64 columns: 64 invocations make 8 x 8 each, as two runs of eight rows,
// and k_parts such sets share the depth, so that small products fill the device too; their sums are added in order.
// Shared memory: for each part 4 quads of depth of both operands, 9 KiB. Per quad of depth an invocation reads 16 vec4s
// and does 256 multiply-adds; the next quads are loaded meanwhile. Row r lies at r % 8 * 9 + r / 8 (columns likewise), so
// that neither stores nor loads of neighbors meet in a bank. Loads past the operands are clamped; stores are guarded.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_parts = 1u; // the local size is 64 * k_parts

#include "product.glsl"

const uint k_step = 4u;
const uint k_row = 72u; // vec4s of a quad of depth
shared vec4 tile[k_parts * 2u * k_step * k_row];

uint spread(uint index) {
  return (index & 7u) * 9u + (index >> 3u);
}

void main() {
  uint id = gl_LocalInvocationID.x & 63u;
  uint part = gl_LocalInvocationID.x >> 6u;
  uint index = min(workgroup_index(), push.workgroups - 1u);
  bool live = workgroup_index() < push.workgroups && part == 0u;
  uint slab = index % push.slabs;
  index /= push.slabs;
  uint row_tile = index % push.blocks;
  uint group = index / push.blocks;

  // Invocation id loads vec4 id of each step: row id of the left tile, column id of the right one.
  uint row_blocks = (push.rows + 7u) / 8u;
  uint block = min(row_tile * 8u + (id >> 3u), row_blocks - 1u);
  uint left_index = push.left_start + group * push.left_group + block * push.left_block + (id & 7u);
  uint panels = (push.runs + 7u) / 8u;
  uint panel = min(slab * 2u + (id >> 5u), panels - 1u);
  uint right_index = push.right_start + group * push.right_group + panel * push.right_panel + (id & 31u);

  uint left_tile = part * 2u * k_step * k_row;
  uint right_tile = left_tile + k_step * k_row;
  uint share = (push.depth + k_parts * k_step - 1u) / (k_parts * k_step) * k_step;
  uint begin = part * share;
  vec4 next_left[k_step];
  vec4 next_right[k_step];
  float sums[64];
  [[unroll]] for (uint i = 0u; i < 64u; i++) {
    sums[i] = 0.0;
  }
  [[unroll]] for (uint s = 0u; s < k_step; s++) {
    uint deep = min(begin + s, push.depth - 1u);
    next_left[s] = LOAD4(left, left_index + deep * 8u);
    next_right[s] = LOAD4(right, right_index + deep * 32u);
  }
  for (uint k = 0u; k < share; k += k_step) {
    [[unroll]] for (uint s = 0u; s < k_step; s++) {
      bool valid = begin + k + s < push.depth;
      tile[left_tile + s * k_row + spread(id)] = valid ? next_left[s] : vec4(0.0);
      tile[right_tile + s * k_row + spread(id)] = valid ? next_right[s] : vec4(0.0);
    }
    barrier();
    [[unroll]] for (uint s = 0u; s < k_step; s++) {
      uint deep = min(begin + k + k_step + s, push.depth - 1u);
      next_left[s] = LOAD4(left, left_index + deep * 8u);
      next_right[s] = LOAD4(right, right_index + deep * 32u);
    }
    [[unroll]] for (uint s = 0u; s < k_step; s++) {
      vec4 r[8];
      [[unroll]] for (uint n = 0u; n < 8u; n++) {
        r[n] = tile[right_tile + s * k_row + n * 9u + (id & 7u)];
      }
      [[unroll]] for (uint m = 0u; m < 8u; m++) {
        vec4 l = tile[left_tile + s * k_row + m * 9u + (id >> 3u)];
        [[unroll]] for (uint n = 0u; n < 8u; n++) {
          [[unroll]] for (uint j = 0u; j < 4u; j++) {
            sums[m * 8u + n] = sums[m * 8u + n] + l[j] * r[n][j];
          }
        }
      }
    }
    barrier();
  }

  // A quarter of the sums of one part fits where its tiles were.
  [[unroll]] for (uint other = 1u; other < k_parts; other++) {
    [[unroll]] for (uint quarter = 0u; quarter < 4u; quarter++) {
      if (part == other) {
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
          uint at = quarter * 16u + i * 4u;
          tile[i * 64u + id] = vec4(sums[at], sums[at + 1u], sums[at + 2u], sums[at + 3u]);
        }
      }
      barrier();
      if (part == 0u) {
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
          vec4 more = tile[i * 64u + id];
          [[unroll]] for (uint j = 0u; j < 4u; j++) {
            sums[quarter * 16u + i * 4u + j] += more[j];
          }
        }
      }
      barrier();
    }
  }

  [[unroll]] for (uint half_index = 0u; half_index < 2u; half_index++) {
    uint run = slab * 16u + (id & 7u) * 2u + half_index;
    if (live && run < push.runs) {
      float part_sums[32];
      [[unroll]] for (uint i = 0u; i < 32u; i++) {
        part_sums[i] = sums[(i >> 2u) * 8u + half_index * 4u + (i & 3u)];
      }
      store_rows(target_of(run, group), row_tile * 64u + (id >> 3u) * 8u, part_sums);
    }
  }
}
