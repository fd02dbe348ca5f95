// builds: storage texel
// Gradients of functions of one operand: result = head * f', where f' is computed from z, the function's input or
// output. Equal shapes. Index map as in unary.comp; 8 bytes read per 4 written.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const bool k_half = false;
// Of y: 1 relu, 2 sigmoid, 3 tanh, 4 softrelu, 6 log_sigmoid. Of x: 5 softsign, 7 mish, 8 leaky relu (slope p0),
// 9 clip to p0..p1, 10 elu (slope p0), 11 selu, 12 gelu, 13 gelu by tanh.
layout(constant_id = 4) const uint k_function = 1u;

#include "lib/grid.glsl"
#include "lib/half.glsl"
#include "lib/math.glsl"
#include "lib/words.glsl"

QUADS(0, head)
QUADS(1, z)
layout(set = 0, binding = 2) writeonly buffer Output { uvec4 quads[]; } result;

layout(push_constant) uniform Push {
  uint quad_count;
  float p0;
  float p1;
} push;

float mish_slope(float x) {
  // With e = exp(-|x|): sigmoid and tanh(softplus) as quotients of polynomials in e that cannot overflow.
  float e = exp_accurate(-abs(x));
  float sigmoid = (x < 0.0 ? e : 1.0) / (1.0 + e);
  float n = x < 0.0 ? e * (e + 2.0) : 1.0 + 2.0 * e;
  float d = n + (x < 0.0 ? 2.0 : 2.0 * e * e);
  float t = n / d;
  return t + x * sigmoid * (1.0 - t * t);
}

float gelu_slope(float x) {
  float density = 0.39894228040143268 * exp_accurate(-0.5 * x * x);
  return 0.5 * (1.0 + erf_accurate(k_half_root * x)) + (density > 0.0 ? x * density : 0.0);
}

float gelu_tanh_slope(float x) {
  float c = clamp(x, -12.0, 12.0); // beyond, tanh is 1 and its slope 0
  float t = tanh_accurate(k_gelu_scale * (c + k_gelu_cubic * c * c * c));
  float inner = k_gelu_scale * (1.0 + 3.0 * k_gelu_cubic * c * c);
  return 0.5 * (1.0 + t) + 0.5 * c * (1.0 - t) * (1.0 + t) * inner;
}

float slope_at(float z) {
  if (is_nan(z)) {
    return z;
  }
  switch (k_function) {
    case 1u: return z > 0.0 ? 1.0 : 0.0;
    case 2u: return z * (1.0 - z);
    case 3u: return (1.0 - z) * (1.0 + z);
    case 4u: return -expm1_accurate(-z);
    case 5u: {
      float d = 1.0 + abs(z);
      return 1.0 / (d * d);
    }
    case 6u: return -expm1_accurate(z);
    case 7u: return mish_slope(z);
    case 8u: return z > 0.0 ? 1.0 : push.p0;
    case 10u: return z > 0.0 ? 1.0 : push.p0 * exp_accurate(z);
    case 11u: return k_selu_scale * (z > 0.0 ? 1.0 : k_selu_alpha * exp_accurate(z));
    case 12u: return gelu_slope(z);
    case 13u: return gelu_tanh_slope(z);
    default: return z >= push.p0 && z <= push.p1 ? 1.0 : 0.0;
  }
}

float compute(float head, float z) {
  return head * slope_at(z);
}

uint compute_word(uint head, uint z) {
  if (k_half) {
    uint low = float_to_half(compute(half_to_float(head & 0xffffu), half_to_float(z & 0xffffu)));
    return low | (float_to_half(compute(half_to_float(head >> 16), half_to_float(z >> 16))) << 16);
  }
  return floatBitsToUint(compute(uintBitsToFloat(head), uintBitsToFloat(z)));
}

void main() {
  uint i = invocation_index();
  if (i < push.quad_count) {
    uvec4 heads = QUAD(head, i);
    uvec4 zs = QUAD(z, i);
    result.quads[i] = uvec4(compute_word(heads.x, zs.x), compute_word(heads.y, zs.y),
      compute_word(heads.z, zs.z), compute_word(heads.w, zs.w));
  }
}
