// float16 in integer arithmetic: equal bits on every device, subnormals kept, and no 16-bit feature needed.
// packHalf2x16 leaves the rounding to the driver, and unpackHalf2x16 may flush subnormals.
#ifndef VKNN_HALF_GLSL
#define VKNN_HALF_GLSL

// The low 16 bits of h as a float.
float half_to_float(uint h) {
  uint sign = (h & 0x8000u) << 16;
  uint exponent = (h >> 10) & 31u;
  uint mantissa = h & 1023u;
  uint bits = exponent == 31u ? 0x7f800000u | (mantissa << 13) : ((exponent + 112u) << 23) | (mantissa << 13);
  if (exponent == 0u) {
    // mantissa * 2^-24: its top bit becomes the hidden one.
    int top = findMSB(mantissa);
    bits = mantissa == 0u ? 0u : (uint(top + 103) << 23) | ((mantissa << uint(23 - top)) & 0x7fffffu);
  }
  return uintBitsToFloat(sign | bits);
}

// Nearest float16, ties to even; NaN stays a quiet NaN.
uint float_to_half(float x) {
  uint bits = floatBitsToUint(x);
  uint sign = (bits >> 16) & 0x8000u;
  uint a = bits & 0x7fffffffu;
  if (a > 0x7f800000u) {
    return sign | 0x7e00u | ((a >> 13) & 0x1ffu);
  }
  if (a >= 0x477ff000u) {
    return sign | 0x7c00u; // 65520 and above
  }
  if (a >= 0x38800000u) {
    uint rebased = a - 0x38000000u;
    return sign | ((rebased + 0xfffu + ((rebased >> 13) & 1u)) >> 13);
  }
  if (a <= 0x33000000u) {
    return sign; // 2^-25 and below: half of the smallest subnormal ties to 0
  }
  uint shift = 126u - (a >> 23); // 14..24 bits of the full mantissa fall off
  uint full = (a & 0x7fffffu) | 0x800000u;
  uint rest = full & ((1u << shift) - 1u);
  uint kept = full >> shift;
  uint tie = 1u << (shift - 1u);
  return sign | (kept + (rest > tie || (rest == tie && (kept & 1u) == 1u) ? 1u : 0u));
}

#endif
