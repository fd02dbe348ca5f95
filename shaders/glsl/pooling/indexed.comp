// Operators on places of maxima: unpooling, its gradient, and reading by place.
//
// Operands: source, places (int32), winners (int32, one for each element of a plane), y. Tensors are seen as
// [outer][positions][inner], with windows positions for each plane of push.elements elements. Places outside a plane
// are skipped. Where several windows name one element, the last in row-major order wins: an integer maximum over
// positions, which does not depend on the order of execution.
//
//   k_mode 0  invocation i takes window i:   winners[place] = max(winners[place], position), winners being -1 before
//   k_mode 1  makes word i of a plane:       y[element] = winner >= 0 ? source[winner] : 0
//   k_mode 2  makes word i of the windows:   y[position] = winners[place] == position ? source[place] : 0
//   k_mode 3  makes word i of the windows:   y[position] = source[place]
// A word is one float32 or two float16. Local size 64 or 256: no cooperation.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const uint k_mode = 0u;

layout(push_constant) uniform Push {
  uint words; // invocations
  uint last;  // index of the last element that this mode makes or takes
  uint inner;
  uint windows;  // of a plane
  uint elements; // of a plane
  uint multiplier_inner, multiplier_positions;
  uint shifts; // five bits each for inner, and for windows or (k_mode 1) elements
} push;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "scan.glsl"

layout(set = 0, binding = 0) readonly buffer Source { uint words[]; } source;
layout(set = 0, binding = 1) readonly buffer Places { int places[]; } places;
layout(set = 0, binding = 2) buffer Winners { int winners[]; } winners;
layout(set = 0, binding = 3) writeonly buffer Output { uint words[]; } result;

float source_at(uint index) {
  return scan_value(source.words[scan_word_index(index)], index);
}

// The result for one element; k_mode 0 has none.
float indexed(uint index) {
  uint rest = divide(index, push.multiplier_inner, push.shifts & 31u);
  uint c = index - rest * push.inner;
  uint positions = k_mode == 1u ? push.elements : push.windows;
  uint outer = divide(rest, push.multiplier_positions, push.shifts >> 5);
  int position = int(rest - outer * positions);
  if (k_mode == 1u) {
    int winner = winners.winners[index];
    return winner >= 0 ? source_at((outer * push.windows + uint(winner)) * push.inner + c) : 0.0;
  }
  uint place = uint(places.places[index]);
  if (place >= push.elements) {
    return 0.0;
  }
  uint at = (outer * push.elements + place) * push.inner + c;
  if (k_mode == 0u) {
    atomicMax(winners.winners[at], position);
    return 0.0;
  }
  return k_mode == 3u || winners.winners[at] == position ? source_at(at) : 0.0;
}

void main() {
  uint i = invocation_index();
  if (i >= push.words) {
    return;
  }
  if (k_mode == 0u) {
    indexed(i);
  } else if (k_half) {
    uint low = float_to_half(indexed(2u * i));
    // The last word may hold one element only.
    result.words[i] = low | (float_to_half(indexed(min(2u * i + 1u, push.last))) << 16);
  } else {
    result.words[i] = floatBitsToUint(indexed(i));
  }
}
