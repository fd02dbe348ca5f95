// builds: storage texel
// The borders of padding on a CPU device (lavapipe), where the driver copies what lies inside: elements of 4 bytes, at most four
// axes, no pad longer than its axis. Bits pass unchanged. What is shown is read where it was copied to: in the lines that are
// written, or near them.
//
// A launch makes what is padded along axis k_axis: there only the pads, on axes outside of it only what lies inside, on axes within
// it everything. So the launches of all padded axes make each element once.
//
// Index map: with k_columns 0 invocation i makes one element, the innermost axis first. Else i is a row, of which it makes the
// k_columns elements that are padded: eight lanes then wait for the lines of eight rows at once, not one after another.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_mode = 0u;
layout(constant_id = 2) const uint k_rank = 1u; // 1..4
layout(constant_id = 3) const uint k_axis = 0u;
layout(constant_id = 4) const uint k_columns = 0u;

const uint k_most_columns = 16u;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/words.glsl"

WORDS(0, x) // the result too
layout(set = 0, binding = 1) writeonly buffer Output { uint words[]; } result;

layout(push_constant) uniform Push {
  uint count; // invocations
  uint fill;  // bits of the constant
  uint size_0, size_1, size_2, size_3; // of what is made
  uint multiplier_0, multiplier_1, multiplier_2;
  uint shifts; // five bits for each axis
  uint before_0, before_1, before_2, before_3;
  uint from_0, from_1, from_2, from_3; // sizes of the input
  uint to_0, to_1, to_2; // of the result
} push;

#include "pad/reflect.glsl"

struct Place {
  uint rest;
  uint from;
  uint to;
  uint step_size; // elements of the result in one step along the axis
  bool inside;
};

// One step along an axis of which t is the index among what is made.
void move(inout Place place, uint axis, uint t, uint before, uint from, uint to) {
  if (axis > k_axis) {
    t += before;
  } else if (axis == k_axis) {
    t += t < before ? 0u : from;
  }
  int u = int(t) - int(before);
  place.inside = place.inside && (k_mode != 0u || uint(u) < from);
  place.from += (before + uint(source_of(u, int(from)))) * place.step_size;
  place.to += t * place.step_size;
  place.step_size *= to;
}

void step_axis(inout Place place, uint axis, uint size, uint multiplier, uint before, uint from, uint to) {
  if (axis >= k_rank) {
    return;
  }
  uint t = place.rest;
  if (axis + 1u < k_rank) {
    place.rest = divide(t, multiplier, (push.shifts >> (axis * 5u)) & 31u);
    t -= place.rest * size;
  }
  move(place, axis, t, before, from, to);
}

void main() {
  uint index = invocation_index();
  Place place = Place(min(index, push.count - 1u), 0u, 0u, 1u, true);
  if (k_columns == 0u) {
    step_axis(place, 0u, push.size_0, push.multiplier_0, push.before_0, push.from_0, push.to_0);
  } else {
    place.step_size = push.to_0;
  }
  step_axis(place, 1u, push.size_1, push.multiplier_1, push.before_1, push.from_1, push.to_1);
  step_axis(place, 2u, push.size_2, push.multiplier_2, push.before_2, push.from_2, push.to_2);
  step_axis(place, 3u, push.size_3, 0u, push.before_3, push.from_3, 1u);
  if (k_columns == 0u) {
    uint found = WORD(x, place.from);
    if (index < push.count) {
      result.words[place.to] = place.inside ? found : push.fill;
    }
  } else {
    uint to[k_most_columns];
    uint found[k_most_columns];
    [[unroll]] for (uint column = 0u; column < k_columns; column++) {
      Place one = place;
      one.step_size = 1u;
      move(one, 0u, column, push.before_0, push.from_0, push.to_0);
      to[column] = one.to;
      uint word = WORD(x, one.from);
      found[column] = one.inside ? word : push.fill;
    }
    if (index < push.count) {
      [[unroll]] for (uint column = 0u; column < k_columns; column++) {
        result.words[to[column]] = found[column];
      }
    }
  }
}
