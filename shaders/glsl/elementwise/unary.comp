// builds: storage texel
// One operand, one result, equal shapes: activations, scale and shift.
// Index map: invocation i makes words 4i..4i+3 (four float32 or int32, or eight float16); 4 bytes read per 4 written.
// Buffers are padded to 16 bytes, so the last quad needs no case of its own. Local size 64: no cooperation, small tail.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

// 0 float32, 1 int32, 2 float16
layout(constant_id = 3) const uint k_type = 0u;
// 0 activation, 1 x * p0 + p1, 2 x / p0, 3 p0 / x
layout(constant_id = 4) const uint k_operation = 0u;

#include "lib/epilogue.glsl"
#include "lib/grid.glsl"
#include "lib/half.glsl"
#include "lib/words.glsl"

QUADS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { uvec4 quads[]; } result;

layout(push_constant) uniform Push {
  uint quad_count;
  float p0;
  float p1;
  int whole_p0;
  int whole_p1;
} push;

float compute(float x) {
  if (k_operation == 1u) {
    return x * push.p0 + push.p1;
  }
  if (k_operation == 2u) {
    return x / push.p0;
  }
  if (k_operation == 3u) {
    return push.p0 / x;
  }
  return activate(x);
}

uint compute_word(uint word) {
  if (k_type == 1u) {
    return uint(int(word) * push.whole_p0 + push.whole_p1);
  }
  if (k_type == 2u) {
    uint low = float_to_half(compute(half_to_float(word & 0xffffu)));
    return low | (float_to_half(compute(half_to_float(word >> 16))) << 16);
  }
  return floatBitsToUint(compute(uintBitsToFloat(word)));
}

void main() {
  uint i = invocation_index();
  if (i < push.quad_count) {
    uvec4 words = QUAD(x, i);
    result.quads[i] = uvec4(
      compute_word(words.x), compute_word(words.y), compute_word(words.z), compute_word(words.w));
  }
}
