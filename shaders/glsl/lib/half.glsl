// float16 in integer arithmetic: equal bits on every device, subnormals kept, and no 16-bit feature needed.
// packHalf2x16 leaves the rounding to the driver, and unpackHalf2x16 may flush subnormals. No branches: lanes of a CPU
// device would take both. Vectors of four: a pair of words holds them.
#ifndef VKNN_HALF_GLSL
#define VKNN_HALF_GLSL

const uint k_half_rebias = 112u << 23; // what float32 exponents have more than float16's, in place

// The low 16 bits of each h as floats.
vec4 half_to_float(uvec4 h) {
  uvec4 bits = (h & 0x7fffu) << 13;
  uvec4 exponent = bits & 0x0f800000u;
  // Infinity and NaN: twice rebased, to the largest exponent.
  uvec4 large = bits + mix(uvec4(k_half_rebias), uvec4(2u * k_half_rebias), equal(exponent, uvec4(0x0f800000u)));
  // Subnormals: 2^-14 + mantissa * 2^-24, less 2^-14. Both are normal, so nothing is rounded or flushed.
  const uint one = k_half_rebias + (1u << 23);
  uvec4 small = floatBitsToUint(uintBitsToFloat(bits + one) - uintBitsToFloat(one));
  return uintBitsToFloat(mix(large, small, equal(exponent, uvec4(0u))) | ((h & 0x8000u) << 16));
}

// The low 16 bits of h as a float.
float half_to_float(uint h) {
  uint bits = (h & 0x7fffu) << 13;
  uint exponent = bits & 0x0f800000u;
  uint large = bits + (exponent == 0x0f800000u ? 2u * k_half_rebias : k_half_rebias);
  const uint one = k_half_rebias + (1u << 23);
  uint small = floatBitsToUint(uintBitsToFloat(bits + one) - uintBitsToFloat(one));
  return uintBitsToFloat((exponent == 0u ? small : large) | ((h & 0x8000u) << 16));
}

// Nearest float16, ties to even; NaN stays a quiet NaN.
uint float_to_half(float x) {
  uint bits = floatBitsToUint(x);
  uint a = bits & 0x7fffffffu;
  uint rebased = a - k_half_rebias;
  uint normal = (rebased + 0xfffu + ((rebased >> 13) & 1u)) >> 13;
  // Below 2^-14 the sum with 0.5 rounds to a multiple of 2^-24, the unit of subnormals, which ends in its lowest bits.
  precise float sum = uintBitsToFloat(a) + 0.5;
  uint result = a < 0x38800000u ? floatBitsToUint(sum) - 0x3f000000u : normal;
  result = a >= 0x477ff000u ? 0x7c00u : result; // 65520 and above
  result = a > 0x7f800000u ? 0x7e00u | ((a >> 13) & 0x1ffu) : result;
  return result | ((bits >> 16) & 0x8000u);
}

vec4 halves_to_floats(uvec2 pairs) {
  return half_to_float(uvec4(pairs.x & 0xffffu, pairs.x >> 16, pairs.y & 0xffffu, pairs.y >> 16));
}

uint floats_to_halves(vec2 values) {
  return float_to_half(values.x) | (float_to_half(values.y) << 16);
}

uvec2 floats_to_halves(vec4 values) {
  return uvec2(floats_to_halves(values.xy), floats_to_halves(values.zw));
}

// Half number index & 1 of a word.
float half_of(uint word, uint index) {
  return half_to_float(word >> ((index & 1u) << 4));
}

#endif
