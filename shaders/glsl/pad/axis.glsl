// How padding maps one axis, forward and backward.
#ifndef VKNN_PAD_AXIS_GLSL
#define VKNN_PAD_AXIS_GLSL

// Floor modulo; size is positive.
int modulo(int u, int size) {
  int rest = u % size;
  // The sign of % is undefined for negative operands.
  rest = u < 0 ? (size - 1) - (-1 - u) % size : rest;
  return rest;
}

// Element that place u (counted from the first element of the input) shows; for constant padding the nearest one.
int source_of(uint mode, int u, int size) {
  if (uint(u) < uint(size)) {
    return u;
  }
  if (mode == 2u) {
    int period = max(2 * (size - 1), 1);
    int at = modulo(u, period);
    return at < size ? at : period - at;
  }
  if (mode == 3u) {
    return modulo(u, size);
  }
  return clamp(u, 0, size - 1);
}

#endif
