// builds: word word_texel
// Pads: element t of an axis shows element map(t - before) of the input, or a constant. Bits pass unchanged.
//
// k_mode 0 constant, 1 edge, 2 reflect (the edge is not repeated; period 2 (size - 1)), 3 circular (period size). Whole
// periods are taken off first, so that pads may exceed the size.
// Index map: invocation i makes words 4i..4i+3 of the result; a word is one element of 4 bytes, or 2 or 4 smaller ones.
// Axis 0 is the innermost; axes that are not padded are merged with a neighbor by the plan.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_mode = 0u;
layout(constant_id = 2) const uint k_rank = 1u; // 1..6
layout(constant_id = 3) const uint k_element_bytes = 4u; // 1, 2, 4

#ifdef BUILD_WORD_TEXEL
#define LOAD_TEXEL
#endif
#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/words.glsl"
#include "axis.glsl"

WORDS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { uvec4 units[]; } result;

layout(push_constant) uniform Push {
  uint count; // elements of the result
  uint fill; // bits of the constant, repeated over a word
  uint size_0, size_1, size_2, size_3, size_4, size_5; // of the result
  uint multiplier_0, multiplier_1, multiplier_2, multiplier_3, multiplier_4;
  uint shifts; // five bits for each axis
  uint before_0, before_1, before_2, before_3, before_4, before_5;
  uint from_0, from_1, from_2, from_3, from_4, from_5; // sizes of the input
} push;

const uint k_lanes = 4u / k_element_bytes;
const uint k_bits = k_element_bytes * 8u;
const uint k_mask = k_element_bytes == 4u ? 0xffffffffu : (1u << (k_bits & 31u)) - 1u;

struct Place {
  uint rest;
  uint at;
  uint step_size; // elements of the input in one step along the axis
  bool inside;
};

void step_axis(inout Place place, uint axis, uint size, uint multiplier, uint before, uint from) {
  if (axis >= k_rank) {
    return;
  }
  uint t = place.rest;
  if (axis + 1u < k_rank) {
    place.rest = divide(t, multiplier, (push.shifts >> (axis * 5u)) & 31u);
    t -= place.rest * size;
  }
  int u = int(t) - int(before);
  place.inside = place.inside && (k_mode != 0u || uint(u) < from);
  place.at += uint(source_of(k_mode, u, int(from))) * place.step_size;
  place.step_size *= from;
}

uint element(uint index) {
  Place place = Place(index, 0u, 1u, true);
  step_axis(place, 0u, push.size_0, push.multiplier_0, push.before_0, push.from_0);
  step_axis(place, 1u, push.size_1, push.multiplier_1, push.before_1, push.from_1);
  step_axis(place, 2u, push.size_2, push.multiplier_2, push.before_2, push.from_2);
  step_axis(place, 3u, push.size_3, push.multiplier_3, push.before_3, push.from_3);
  step_axis(place, 4u, push.size_4, push.multiplier_4, push.before_4, push.from_4);
  step_axis(place, 5u, push.size_5, 0u, push.before_5, push.from_5);
  uint found = WORD(x, place.at / k_lanes) >> ((place.at % k_lanes) * k_bits);
  return (place.inside ? found : push.fill) & k_mask;
}

uint word_at(uint i) {
  uint word = 0u;
  for (uint lane = 0u; lane < k_lanes; lane++) {
    // Past the end the last element is made again: no stray read, and the padding of the buffer gets a defined value.
    word |= element(min(i * k_lanes + lane, push.count - 1u)) << (lane * k_bits);
  }
  return word;
}

void main() {
  uint i = invocation_index();
  if (i * 4u * k_lanes < push.count) {
    uvec4 words;
    for (uint lane = 0u; lane < 4u; lane++) {
      words[lane] = word_at(i * 4u + lane);
    }
    result.units[i] = words;
  }
}
