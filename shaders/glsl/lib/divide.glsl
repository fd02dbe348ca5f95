// Division by a run-time divisor without a divide instruction: multiply high, add, shift. Exact for n < 2^31 and
// d < 2^31; src/kernels/divisor.ts computes multiplier and shift (Granlund and Montgomery, PLDI 1994).
#ifndef VKNN_DIVIDE_GLSL
#define VKNN_DIVIDE_GLSL

uint divide(uint n, uint multiplier, uint shift) {
  uint high;
  uint low;
  umulExtended(n, multiplier, high, low);
  return (high + n) >> shift;
}

#endif
