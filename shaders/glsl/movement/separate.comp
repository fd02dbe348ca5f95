// builds: storage texel
// Turns blocks of k_factor x 4 words: the inverse of a pixel shuffle, channels that lie innermost made
// planes, and transposes of whole blocks. The words of k_factor vec4s of the source, `step` apart, are dealt in turn to
// k_factor runs of the result, `part` apart.
//
// Index map: invocation i takes one block apart (two with k_store_octets, side by side along axis 0), so that every load
// and store moves whole vec4s and an index is taken apart once for all of them. Stores of 32 bytes a lane cost two thirds
// of those of 16.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_factor = 2u; // 2..4
layout(constant_id = 2) const uint k_rank = 6u; // axes of the blocks, 1..6
layout(constant_id = 3) const bool k_store_octets = false;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/words.glsl"

QUADS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { u64vec2 quads[]; } result;
layout(set = 0, binding = 1) writeonly buffer OutputOctets { u64vec4 octets[]; } result_octets;

// Places and strides count quads. Axis 0 runs along the parts, a block or two a step; the outermost axis needs no divisor.
layout(push_constant) uniform Push {
  uint count;
  uint size_0, size_1, size_2, size_3, size_4;
  uint multiplier_0, multiplier_1, multiplier_2, multiplier_3, multiplier_4;
  uint shifts; // five bits for each axis
  int step, part;
  int from, from_0, from_1, from_2, from_3, from_4, from_5;
  int to, to_0, to_1, to_2, to_3, to_4, to_5;
} push;

void step_axis(inout uint rest, inout int at, inout int place, uint axis, uint size, uint multiplier, int from, int to) {
  if (axis >= k_rank) {
    return;
  }
  uint coordinate = rest;
  if (axis + 1u < k_rank) {
    rest = divide(coordinate, multiplier, (push.shifts >> (axis * 5u)) & 31u);
    coordinate -= rest * size;
  }
  at += int(coordinate) * from;
  place += int(coordinate) * to;
}

u64vec2 pairs(uvec4 words) {
  return u64vec2(packUint2x32(words.xy), packUint2x32(words.zw));
}

void main() {
  uint i = invocation_index();
  if (i >= push.count) {
    return;
  }
  uint rest = i;
  int at = push.from;
  int place = push.to;
  step_axis(rest, at, place, 0u, push.size_0, push.multiplier_0, push.from_0, push.to_0);
  step_axis(rest, at, place, 1u, push.size_1, push.multiplier_1, push.from_1, push.to_1);
  step_axis(rest, at, place, 2u, push.size_2, push.multiplier_2, push.from_2, push.to_2);
  step_axis(rest, at, place, 3u, push.size_3, push.multiplier_3, push.from_3, push.to_3);
  step_axis(rest, at, place, 4u, push.size_4, push.multiplier_4, push.from_4, push.to_4);
  step_axis(rest, at, place, 5u, 1u, 0u, push.from_5, push.to_5);
  const uint blocks = k_store_octets ? 2u : 1u;
  uvec4 runs[8];
  [[unroll]] for (uint f = 0u; f < blocks * k_factor; f++) {
    runs[f] = QUAD(x, at + int(f) * push.step);
  }
  [[unroll]] for (uint f = 0u; f < k_factor; f++) {
    uvec4 words[2];
    [[unroll]] for (uint k = 0u; k < blocks * 4u; k++) {
      uint source = k * k_factor + f;
      words[k / 4u][k % 4u] = runs[source / 4u][source % 4u];
    }
    int target = place + int(f) * push.part;
    if (k_store_octets) {
      result_octets.octets[target >> 1] = u64vec4(pairs(words[0]), pairs(words[1]));
    } else {
      result.quads[target] = pairs(words[0]);
    }
  }
}
