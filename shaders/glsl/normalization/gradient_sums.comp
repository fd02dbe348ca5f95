// builds: storage texel
// What the gradients of a normalization add up, over parts in a fixed order: the heads, and heads times normalized x.
// gradient_merge.comp joins the parts. Layouts, parts and lanes are those of statistics.comp.
// 8 bytes read per element, statistics and parameters come from the cache.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const uint k_columns = 0u;
layout(constant_id = 4) const uint k_lanes = 1u; // 1 or the local size, a power of two
// Whether a part has one statistic; else every element is looked up.
layout(constant_id = 5) const bool k_one_stat = true;
// Whether heads are multiplied by gamma.
layout(constant_id = 6) const bool k_weighted = false;

#include "lib/grid.glsl"
#include "lib/words.glsl"
#include "maps.glsl"

QUADS(0, head)
QUADS(1, x)
QUADS(2, mean)
QUADS(3, deviation)
QUADS(4, gamma)
layout(set = 0, binding = 5) writeonly buffer Output { float values[]; } result;

layout(push_constant) uniform Push {
  MAPS
  uint items;
  uint parts;
  uint elements;
  uint chunk;
  uint chunks;
  uint chunks_multiplier, chunks_shift;
  uint inner;
  uint inner_multiplier, inner_shift;
  uint last; // index of the last quad of x
} push;

const uint k_slots = k_lanes > 1u ? k_lanes : 1u;
shared vec2 shared_sums[k_slots];

// Four neighbors from element e on: heads and normalized x, the heads weighted.
void load(uint quad, uint e, vec2 one, out vec4 h, out vec4 normal) {
  h = uintBitsToFloat(QUAD(head, quad));
  vec4 value = uintBitsToFloat(QUAD(x, quad));
  uvec4 at = uvec4(e, e + 1u, e + 2u, e + 3u);
  if (k_one_stat) {
    normal = (value - one.x) * one.y;
  } else {
    [[unroll]] for (int j = 0; j < 4; j++) {
      uint stat = STAT_INDEX(at[j]);
      normal[j] = (value[j] - ELEMENT(mean, stat)) * ELEMENT(deviation, stat);
    }
  }
  if (k_weighted) {
    [[unroll]] for (int j = 0; j < 4; j++) {
      h[j] *= ELEMENT(gamma, PARAMETER_INDEX(at[j]));
    }
  }
}

vec2 stat_of(uint e) {
  uint stat = STAT_INDEX(e);
  return vec2(ELEMENT(mean, stat), ELEMENT(deviation, stat));
}

void run_part(uint item, uint lane) {
  uint run = divide(item, push.chunks_multiplier, push.chunks_shift);
  uint begin = (item - run * push.chunks) * push.chunk;
  uint count = min(push.chunk, push.elements - begin);
  uint start = run * push.elements + begin;
  vec2 one = k_one_stat ? stat_of(start) : vec2(0.0);
  uint quad = (start >> 2) + lane;
  int place = int(lane << 2) - int(start & 3u);
  uint rounds = ((count + 6u) / 4u + k_lanes - 1u) / k_lanes + opaque_zero();
  vec4 heads = vec4(0.0);
  vec4 products = vec4(0.0);
  for (uint round = 0u; round < rounds; round++) {
    uint from = min(quad, push.last);
    vec4 h;
    vec4 normal;
    load(from, 4u * from, one, h, normal);
    [[unroll]] for (int j = 0; j < 4; j++) {
      bool valid = uint(place + j) < count;
      heads[j] += valid ? h[j] : 0.0;
      products[j] += valid ? h[j] * normal[j] : 0.0;
    }
    quad += k_lanes;
    place += int(4u * k_lanes);
  }
  vec2 total = vec2((heads.x + heads.y) + (heads.z + heads.w), (products.x + products.y) + (products.z + products.w));
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
    result.values[item] = total.x;
    result.values[push.parts + item] = total.y;
  }
}

// Columns have neighboring statistics (batch normalization, channels last), or share that of their row.
void column_parts(uint item) {
  uint rest = divide(item, push.inner_multiplier, push.inner_shift);
  uint column = (item - rest * (push.inner / k_columns)) * k_columns;
  uint outer = divide(rest, push.chunks_multiplier, push.chunks_shift);
  uint begin = (rest - outer * push.chunks) * push.chunk;
  uint count = min(push.chunk, push.elements - begin);
  uint at = (outer * push.elements + begin) * push.inner + column;
  vec4 heads = vec4(0.0);
  vec4 products = vec4(0.0);
  uint end = count + opaque_zero();
  for (uint row = 0u; row < end; row++) {
    if (k_columns == 4u) {
      vec4 h;
      vec4 normal;
      load(at >> 2, at, k_one_stat ? stat_of(at) : vec2(0.0), h, normal);
      heads += h;
      products += h * normal;
    } else {
      vec2 one = stat_of(at);
      float h = ELEMENT(head, at) * (k_weighted ? ELEMENT(gamma, PARAMETER_INDEX(at)) : 1.0);
      heads.x += h;
      products.x += h * ((ELEMENT(x, at) - one.x) * one.y);
    }
    at += push.inner;
  }
  uint part = rest * push.inner + column;
  [[unroll]] for (uint j = 0u; j < max(k_columns, 1u); j++) {
    result.values[part + j] = heads[j];
    result.values[push.parts + part + j] = products[j];
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
