// builds: storage texel
// One operand, one result, equal shapes: exponentials, logarithms, roots, powers, clipping.
// Index map: invocation i makes words 4i..4i+3 (four float32 or eight float16); 4 bytes read per 4 written. Buffers are
// padded to 16 bytes, so the last quad needs no case of its own. Local size 64: no cooperation, small tail.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const bool k_half = false;
// 0 exp, 1 log, 2 log1p, 3 expm1, 4 sqrt, 5 rsqrt, 6 square, 7 abs, 8 sign, 9 power p0, 10 clip to p0..p1,
// 11 elu (slope p0), 12 selu, 13 gelu, 14 gelu by tanh
layout(constant_id = 4) const uint k_function = 0u;

#include "lib/grid.glsl"
#include "lib/half.glsl"
#include "lib/math.glsl"
#include "lib/words.glsl"

QUADS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { uvec4 quads[]; } result;

layout(push_constant) uniform Push {
  uint quad_count;
  float p0;
  float p1;
} push;

float compute(float x) {
  if (is_nan(x)) {
    return x; // drivers may assume that no float is NaN
  }
  switch (k_function) {
    case 0u: return exp_accurate(x);
    case 1u: return log_accurate(x);
    case 2u: return log1p_accurate(x);
    case 3u: return expm1_accurate(x);
    case 4u: return x < 0.0 ? nan_value() : sqrt(x);
    case 5u: return x < 0.0 ? nan_value() : 1.0 / sqrt(x);
    case 6u: return x * x;
    case 7u: return abs(x);
    case 8u: return sign(x);
    case 9u: return power(x, push.p0);
    case 11u: return x > 0.0 ? x : push.p0 * expm1_accurate(x);
    case 12u: return k_selu_scale * (x > 0.0 ? x : k_selu_alpha * expm1_accurate(x));
    case 13u: return 0.5 * x * (1.0 + erf_accurate(k_half_root * x));
    case 14u: return 0.5 * x * (1.0 + tanh_accurate(k_gelu_scale * (x + k_gelu_cubic * x * x * x)));
    default: return min(max(x, push.p0), push.p1);
  }
}

uint compute_word(uint word) {
  if (k_half) {
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
