// builds: storage texel
// Mean and sum of squared deviations of parts of x, in a fixed order; merge.comp joins the parts.
//
// x is [outer][groups][elements] with k_columns = 0: a part is a chunk of neighbors, read as the vec4s that overlap it.
// Else x is [outer][elements][inner], and a part is a chunk of a column; k_columns (1 or 4) columns go together.
// Deviations are taken from the part's first element, so that a large mean costs no digits.
// Result: means, then from `parts` on the squares, each indexed [run][chunk] or [outer][chunk][inner].
// k_lanes > 1: the invocations of a workgroup share a part, and combine in shared memory.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const uint k_columns = 0u;
layout(constant_id = 4) const uint k_lanes = 1u; // 1 or the local size, a power of two

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/words.glsl"

QUADS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { float values[]; } result;

layout(push_constant) uniform Push {
  uint items;
  uint parts;    // of the result
  uint elements; // of a run or column
  uint chunk;
  uint chunks;
  uint chunks_multiplier, chunks_shift;
  uint inner;
  uint inner_multiplier, inner_shift; // of inner / k_columns
  uint last; // index of the last quad of x
} push;

const uint k_slots = k_lanes > 1u ? k_lanes : 1u;
shared vec2 shared_sums[k_slots];

float element(uint at) {
  return uintBitsToFloat(QUAD(x, at >> 2)[at & 3u]);
}

void store(uint part, float first, float sum, float squares, float count) {
  float shift = sum / count;
  result.values[part] = first + shift;
  result.values[push.parts + part] = max(squares - sum * shift, 0.0);
}

void run_part(uint item, uint lane) {
  uint run = divide(item, push.chunks_multiplier, push.chunks_shift);
  uint begin = (item - run * push.chunks) * push.chunk;
  uint count = min(push.chunk, push.elements - begin);
  uint start = run * push.elements + begin;
  float first = element(start);
  uint quad = (start >> 2) + lane;
  int place = int(lane << 2) - int(start & 3u);
  // As many vec4s as the chunk overlaps at worst: the count must not depend on where it begins.
  uint rounds = ((count + 6u) / 4u + k_lanes - 1u) / k_lanes + opaque_zero();
  vec4 sums = vec4(0.0);
  vec4 squares = vec4(0.0);
  for (uint round = 0u; round < rounds; round++) {
    vec4 d = uintBitsToFloat(QUAD(x, min(quad, push.last))) - first;
    [[unroll]] for (int j = 0; j < 4; j++) {
      float valid = uint(place + j) < count ? d[j] : 0.0;
      sums[j] += valid;
      squares[j] += valid * valid;
    }
    quad += k_lanes;
    place += int(4u * k_lanes);
  }
  vec2 total = vec2((sums.x + sums.y) + (sums.z + sums.w), (squares.x + squares.y) + (squares.z + squares.w));
  if (k_lanes > 1u) {
    shared_sums[lane] = total;
    [[unroll]] for (uint half_lanes = k_lanes / 2u; half_lanes > 0u; half_lanes /= 2u) {
      barrier();
      if (lane < half_lanes) {
        total += shared_sums[lane + half_lanes];
        shared_sums[lane] = total;
      }
    }
  }
  if (k_lanes == 1u || lane == 0u) {
    store(item, first, total.x, total.y, float(count));
  }
}

void column_parts(uint item) {
  uint rest = divide(item, push.inner_multiplier, push.inner_shift);
  uint column = (item - rest * (push.inner / k_columns)) * k_columns;
  uint outer = divide(rest, push.chunks_multiplier, push.chunks_shift);
  uint begin = (rest - outer * push.chunks) * push.chunk;
  uint count = min(push.chunk, push.elements - begin);
  uint at = (outer * push.elements + begin) * push.inner + column;
  vec4 first = k_columns == 4u ? uintBitsToFloat(QUAD(x, at >> 2)) : vec4(element(at));
  vec4 sums = vec4(0.0);
  vec4 squares = vec4(0.0);
  uint end = count + opaque_zero();
  for (uint row = 0u; row < end; row++) {
    vec4 d = (k_columns == 4u ? uintBitsToFloat(QUAD(x, at >> 2)) : vec4(element(at))) - first;
    sums += d;
    squares += d * d;
    at += push.inner;
  }
  uint part = rest * push.inner + column;
  [[unroll]] for (uint j = 0u; j < max(k_columns, 1u); j++) {
    store(part + j, first[j], sums[j], squares[j], float(count));
  }
}

void main() {
  uint item = k_lanes > 1u ? workgroup_index() : invocation_index();
  if (item >= push.items) {
    return;
  }
  if (k_columns == 0u) {
    run_part(item, k_lanes > 1u ? gl_LocalInvocationID.x : 0u);
  } else {
    column_parts(item);
  }
}
