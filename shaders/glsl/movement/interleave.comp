// builds: storage texel
// Interleaves runs of words: pixel shuffle, nearest upsampling, channels made the innermost axis. k_factor
// runs of the source, `step` apart, give words in turn; the result has no gaps.
//
// Index map: invocation i reads a vec4 of each run and makes the 4 * k_factor words from 4 * k_factor * i on, so that
// every load and store moves whole vec4s and an index is taken apart once for all of them. Stores of 32 bytes a lane cost
// two thirds of those of 16.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_factor = 2u; // 2..4
layout(constant_id = 2) const uint k_rank = 6u; // axes of the quads, 1..6
layout(constant_id = 3) const bool k_repeat = false; // step is 0: one run gives all
layout(constant_id = 4) const bool k_store_octets = false;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/words.glsl"

QUADS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { u64vec2 quads[]; } result;
layout(set = 0, binding = 1) writeonly buffer OutputOctets { u64vec4 octets[]; } result_octets;

// Places and strides count quads. Axis 0 runs along the sources, a quad a step; the outermost axis needs no divisor.
layout(push_constant) uniform Push {
  uint count;
  uint size_0, size_1, size_2, size_3, size_4;
  uint multiplier_0, multiplier_1, multiplier_2, multiplier_3, multiplier_4;
  uint shifts; // five bits for each axis
  int step;
  int from, from_0, from_1, from_2, from_3, from_4, from_5;
  uint to;
} push;

void step_axis(inout uint rest, inout int at, uint axis, uint size, uint multiplier, int from) {
  if (axis >= k_rank) {
    return;
  }
  uint coordinate = rest;
  if (axis + 1u < k_rank) {
    rest = divide(coordinate, multiplier, (push.shifts >> (axis * 5u)) & 31u);
    coordinate -= rest * size;
  }
  at += int(coordinate) * from;
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
  step_axis(rest, at, 0u, push.size_0, push.multiplier_0, push.from_0);
  step_axis(rest, at, 1u, push.size_1, push.multiplier_1, push.from_1);
  step_axis(rest, at, 2u, push.size_2, push.multiplier_2, push.from_2);
  step_axis(rest, at, 3u, push.size_3, push.multiplier_3, push.from_3);
  step_axis(rest, at, 4u, push.size_4, push.multiplier_4, push.from_4);
  step_axis(rest, at, 5u, 1u, 0u, push.from_5);
  uvec4 runs[4];
  runs[0] = QUAD(x, at);
  [[unroll]] for (uint f = 1u; f < k_factor; f++) {
    runs[f] = runs[0];
    if (!k_repeat) {
      runs[f] = QUAD(x, at + int(f) * push.step);
    }
  }
  uvec4 words[4];
  [[unroll]] for (uint k = 0u; k < 4u * k_factor; k++) {
    words[k / 4u][k % 4u] = runs[k % k_factor][k / k_factor];
  }
  if (k_store_octets) {
    [[unroll]] for (uint q = 0u; q < k_factor; q += 2u) {
      result_octets.octets[(push.to + i * k_factor + q) >> 1u] = u64vec4(pairs(words[q]), pairs(words[q + 1u]));
    }
  } else {
    [[unroll]] for (uint q = 0u; q < k_factor; q++) {
      result.quads[push.to + i * k_factor + q] = pairs(words[q]);
    }
  }
}
