// builds: storage texel
// Pads elements of 4 bytes on a CPU device (lavapipe): as pad.comp does, where no pad is longer than its axis, so that one
// reflection or one turn is enough and nothing is divided lane by lane. Bits pass unchanged.
//
// Index map: invocation i makes words 8i..8i+7 of the result. Rows have at least 8 words, so these lie in two rows at most:
// the outer axes are mapped twice and not eight times. Stores of 32 bytes a lane cost two thirds of those of 16.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_mode = 0u;
layout(constant_id = 2) const uint k_rank = 1u; // 1..6
// The result is whole octets: a masked store costs as much as one that stores.
layout(constant_id = 3) const bool k_octets = false;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/words.glsl"

WORDS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { uvec4 units[]; } result;
layout(set = 0, binding = 1) writeonly buffer OutputOctets { u64vec4 units[]; } result_octets;

layout(push_constant) uniform Push {
  uint count; // elements of the result
  uint rows;
  uint fill; // bits of the constant
  uint size_0, size_1, size_2, size_3, size_4, size_5; // of the result
  uint multiplier_0, multiplier_1, multiplier_2, multiplier_3, multiplier_4;
  uint shifts; // five bits for each axis
  uint before_0, before_1, before_2, before_3, before_4, before_5;
  uint from_0, from_1, from_2, from_3, from_4, from_5; // sizes of the input
} push;

#include "pad/reflect.glsl"

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
  place.at += uint(source_of(u, int(from))) * place.step_size;
  place.step_size *= from;
}

Place row_place(uint row) {
  Place place = Place(row, 0u, push.from_0, true);
  step_axis(place, 1u, push.size_1, push.multiplier_1, push.before_1, push.from_1);
  step_axis(place, 2u, push.size_2, push.multiplier_2, push.before_2, push.from_2);
  step_axis(place, 3u, push.size_3, push.multiplier_3, push.before_3, push.from_3);
  step_axis(place, 4u, push.size_4, push.multiplier_4, push.before_4, push.from_4);
  step_axis(place, 5u, push.size_5, 0u, push.before_5, push.from_5);
  return place;
}

void main() {
  uint first = invocation_index() * 8u;
  uint row = min(divide(first, push.multiplier_0, push.shifts & 31u), push.rows - 1u);
  uint column = first - row * push.size_0;
  Place here = row_place(row);
  Place next = row_place(min(row + 1u, push.rows - 1u));
  uvec4 words[2];
  [[unroll]] for (uint k = 0u; k < 8u; k++) {
    bool wraps = column + k >= push.size_0;
    int u = int(column + k - (wraps ? push.size_0 : 0u)) - int(push.before_0);
    bool inside = (k_mode != 0u || uint(u) < push.from_0) && (wraps ? next.inside : here.inside);
    uint at = (wraps ? next.at : here.at) + uint(source_of(u, int(push.from_0)));
    // Behind the last element an index may lie anywhere.
    uint found = WORD(x, first + k < push.count ? at : 0u);
    words[k / 4u][k % 4u] = inside ? found : push.fill;
  }
  if (first + 8u <= push.count) {
    result_octets.units[first >> 3u] = u64vec4(packUint2x32(words[0].xy), packUint2x32(words[0].zw),
      packUint2x32(words[1].xy), packUint2x32(words[1].zw));
  } else if (!k_octets && first < push.count) {
    result.units[first >> 2u] = words[0];
    if (first + 4u < push.count) {
      result.units[(first >> 2u) + 1u] = words[1];
    }
  }
}
