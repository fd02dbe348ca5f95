// float32 in two parts of float16: as many bits as fit one, and the rest. Scaled so that the largest magnitude of a tensor
// lies near the end of float16's range, the rest is exact for all but the smallest numbers.
#ifndef VKNN_PARTS_GLSL
#define VKNN_PARTS_GLSL

// The power of two that a tensor is scaled with, from the bits of its largest finite magnitude.
int scale_exponent(uint magnitude) {
  return magnitude == 0u ? 0 : clamp(14 + 127 - int(magnitude >> 23), -126, 126);
}

#endif
