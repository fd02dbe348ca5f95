// builds: storage texel
// One element of each line, or the reverse. x and the whole result are [outer][elements][inner], indices, picked values
// and heads [outer][inner].
// k_reverse false: result[o][c] = x[o][indices[o][c]][c]. True: result[o][k][c] = k is indices[o][c] ? x[o][c] : off.
// Index map: invocation i makes word i of the result, one float32 or two float16. 8 bytes read per 4 written.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const bool k_half = false;
layout(constant_id = 4) const bool k_reverse = false;
layout(constant_id = 5) const bool k_float_indices = false; // float32 instead of int32
layout(constant_id = 6) const uint k_mode = 0u; // beyond the axis: 0 the nearest element, 1 as a ring, 2 none (off)

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/half.glsl"
#include "lib/words.glsl"

WORDS(0, x)
WORDS(1, indices)
layout(set = 0, binding = 2) writeonly buffer Output { uint words[]; } result;

layout(push_constant) uniform Push {
  uint words;
  uint last; // index of the last element of the result
  uint elements;
  uint inner;
  uint multiplier_inner, multiplier_elements;
  uint shifts; // five bits each for inner, elements
  uint off; // bits of the value elsewhere: a float32 or a float16
} push;

uint load(uint index) {
  return k_half ? (WORD(x, index >> 1) >> ((index & 1u) * 16u)) & 0xffffu : WORD(x, index);
}

// The index that counts; negative for none.
int place(uint line) {
  uint word = WORD(indices, line);
  int size = int(push.elements);
  int at = int(word);
  if (k_float_indices) {
    float value = uintBitsToFloat(word);
    at = int(clamp(value, -2147483520.0, 2147483520.0)); // toward zero, as MXNet
  }
  if (k_mode == 0u) {
    return clamp(at, 0, size - 1);
  }
  if (k_mode == 1u) {
    int rest = at - (at / size) * size;
    return rest < 0 ? rest + size : rest;
  }
  return at < size ? at : -1;
}

uint element(uint index) {
  uint rest = divide(index, push.multiplier_inner, push.shifts & 31u);
  uint c = index - rest * push.inner;
  if (!k_reverse) {
    int at = place(index);
    return at < 0 ? push.off : load((rest * push.elements + uint(at)) * push.inner + c);
  }
  uint outer = divide(rest, push.multiplier_elements, push.shifts >> 5);
  uint line = outer * push.inner + c;
  return place(line) == int(rest - outer * push.elements) ? load(line) : push.off;
}

void main() {
  uint i = invocation_index();
  if (i >= push.words) {
    return;
  }
  if (k_half) {
    // The last word may hold one element only.
    result.words[i] = element(2u * i) | (element(min(2u * i + 1u, push.last)) << 16);
  } else {
    result.words[i] = element(i);
  }
}
