// builds: storage texel
// Index of the largest element of each line: x is [outer][elements][inner], the result int32 [outer][inner]. The first
// of equal elements counts, and a NaN is larger than everything.
// Index map: invocation i reads one line.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/math.glsl"
#include "lib/words.glsl"

WORDS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { int values[]; } result;

layout(push_constant) uniform Push {
  uint items;
  uint elements;
  uint inner;
  uint multiplier_inner, shift_inner;
} push;

void main() {
  uint i = invocation_index();
  if (i >= push.items) {
    return;
  }
  uint outer = divide(i, push.multiplier_inner, push.shift_inner);
  uint base = outer * push.elements * push.inner + (i - outer * push.inner);
  uint end = push.elements + opaque_zero();
  float top = uintBitsToFloat(WORD(x, base));
  uint best = 0u;
  for (uint at = 1u; at < end; at++) {
    float value = uintBitsToFloat(WORD(x, base + at * push.inner));
    bool wins = !is_nan(top) && (is_nan(value) || value > top);
    top = wins ? value : top;
    best = wins ? at : best;
  }
  result.values[i] = int(best);
}
