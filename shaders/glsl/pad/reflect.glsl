// How padding maps an axis where no pad is longer than the axis: one reflection or one turn is enough. The kernel declares k_mode.
#ifndef VKNN_PAD_REFLECT_GLSL
#define VKNN_PAD_REFLECT_GLSL

// Element that place u (counted from the first element of the input) shows; for constant padding the nearest one.
int source_of(int u, int size) {
  if (k_mode == 2u) {
    int folded = abs(u);
    return folded < size ? folded : 2 * (size - 1) - folded;
  }
  if (k_mode == 3u) {
    return u < 0 ? u + size : (u < size ? u : u - size);
  }
  return clamp(u, 0, size - 1);
}

#endif
