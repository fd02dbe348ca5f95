// builds: storage texel
// Batched matrix product: result[b][m][n] = sum over k of a[b][m][k] * b[b][k][n], float32.
// Index map: an invocation makes a tile of 4 x 4 results from blocks of 4 x 4 elements of both operands, 8 quads read
// for 64 multiply-adds. Items run over columns, rows, batch and chunks of k, in this order from fast to slow; the
// results of several chunks are summed by reduce.comp. k_quads needs rows that are whole quads. No cooperation.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const bool k_a_by_k = true; // neighbors in memory of a differ in k, else in m
layout(constant_id = 4) const bool k_b_by_k = false; // neighbors in memory of b differ in k, else in n
layout(constant_id = 5) const bool k_a_quads = false;
layout(constant_id = 6) const bool k_b_quads = false;
layout(constant_id = 7) const bool k_result_quads = false;

const uint k_block = 128u; // of k

#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/grid.glsl"

// Two views of each operand would take two bindings: where quads are allowed, all reads are quads.
INPUT4(0, a)
INPUT4(1, b)
OUTPUT4(2, result)

layout(push_constant) uniform Push {
  uint items;
  uint m, n, k;
  uint a_row, b_row; // elements from one row in memory to the next
  uint a_batch, b_batch;
  uint tiles_n, tiles_m, batch;
  uint chunk; // of k, a multiple of 4
  uint multiplier_n, multiplier_m, multiplier_batch;
  uint shifts; // five bits each for tiles_n, tiles_m, batch
} push;

// Four neighbors from any place, those from `count` on as 0.
vec4 neighbors_a(uint at, uint count) {
  if (k_a_quads) {
    return LOAD4(a, at >> 2);
  }
  vec4 four;
  [[unroll]] for (uint c = 0u; c < 4u; c++) {
    uint index = at + min(c, count - 1u);
    vec4 whole = LOAD4(a, index >> 2);
    float pair_low = (index & 1u) == 0u ? whole.x : whole.y;
    float pair_high = (index & 1u) == 0u ? whole.z : whole.w;
    float value = (index & 2u) == 0u ? pair_low : pair_high;
    four[c] = c < count ? value : 0.0;
  }
  return four;
}

vec4 neighbors_b(uint at, uint count) {
  if (k_b_quads) {
    return LOAD4(b, at >> 2);
  }
  vec4 four;
  [[unroll]] for (uint c = 0u; c < 4u; c++) {
    uint index = at + min(c, count - 1u);
    vec4 whole = LOAD4(b, index >> 2);
    float pair_low = (index & 1u) == 0u ? whole.x : whole.y;
    float pair_high = (index & 1u) == 0u ? whole.z : whole.w;
    float value = (index & 2u) == 0u ? pair_low : pair_high;
    four[c] = c < count ? value : 0.0;
  }
  return four;
}

void main() {
  uint i = invocation_index();
  if (i >= push.items) {
    return;
  }
  uint rest = divide(i, push.multiplier_n, push.shifts & 31u);
  uint n0 = (i - rest * push.tiles_n) * 4u;
  uint next = divide(rest, push.multiplier_m, (push.shifts >> 5) & 31u);
  uint m0 = (rest - next * push.tiles_m) * 4u;
  uint slice = divide(next, push.multiplier_batch, push.shifts >> 10);
  uint item = next - slice * push.batch;
  uint begin = slice * push.chunk;
  uint end = min(begin + push.chunk, push.k) + opaque_zero();
  uint rows = min(push.m - m0, 4u);
  uint columns = min(push.n - n0, 4u);
  uint a_base = item * push.a_batch + (k_a_by_k ? m0 * push.a_row : m0);
  uint b_base = item * push.b_batch + (k_b_by_k ? n0 * push.b_row : n0);
  vec4 sums[4] = vec4[4](vec4(0.0), vec4(0.0), vec4(0.0), vec4(0.0));
  vec4 totals[4] = sums;
  for (uint k0 = begin; k0 < end; k0 += 4u) {
    uint depth = min(end - k0, 4u);
    // Rows past the end repeat the last one: their products are not stored, or meet a 0.
    mat4 x;
    mat4 y;
    [[unroll]] for (uint r = 0u; r < 4u; r++) {
      x[r] = k_a_by_k
        ? neighbors_a(a_base + min(r, rows - 1u) * push.a_row + k0, depth)
        : neighbors_a(a_base + (k0 + min(r, depth - 1u)) * push.a_row, rows);
      y[r] = k_b_by_k
        ? neighbors_b(b_base + min(r, columns - 1u) * push.b_row + k0, depth)
        : neighbors_b(b_base + (k0 + min(r, depth - 1u)) * push.b_row, columns);
      if (!k_a_by_k) {
        x[r] = r < depth ? x[r] : vec4(0.0);
      }
      if (!k_b_by_k) {
        y[r] = r < depth ? y[r] : vec4(0.0);
      }
    }
    if (!k_a_by_k) {
      x = transpose(x); // x[row][k]
    }
    if (k_b_by_k) {
      y = transpose(y); // y[k][column]
    }
    [[unroll]] for (uint r = 0u; r < 4u; r++) {
      sums[r] += x[r].x * y[0];
      sums[r] += x[r].y * y[1];
      sums[r] += x[r].z * y[2];
      sums[r] += x[r].w * y[3];
    }
    // Sums of sums: small rounding errors however long k is.
    bool full = ((k0 - begin) & (k_block - 1u)) == k_block - 4u || k0 + 4u >= end;
    [[unroll]] for (uint r = 0u; r < 4u; r++) {
      totals[r] += full ? sums[r] : vec4(0.0);
      sums[r] = full ? vec4(0.0) : sums[r];
    }
  }
  uint to = (next * push.m + m0) * push.n + n0; // next counts the batch of every chunk
  [[unroll]] for (uint r = 0u; r < 4u; r++) {
    if (r < rows) {
      if (k_result_quads) {
        STORE4(result, (to + r * push.n) >> 2, totals[r]);
      } else {
        [[unroll]] for (uint c = 0u; c < 4u; c++) {
          if (c < columns) {
            STORE1(result, to + r * push.n + c, totals[r][c]);
          }
        }
      }
    }
  }
}
