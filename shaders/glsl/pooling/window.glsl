// Which elements of an axis a window covers, and by how much its axis counts in an average.
#ifndef VKNN_POOLING_WINDOW_GLSL
#define VKNN_POOLING_WINDOW_GLSL

// Adaptive: out equal parts of size elements, from floor(i size / out) to ceil((i + 1) size / out); kernel holds out.
layout(constant_id = 12) const bool k_adaptive = false;
// Whether an average counts padding. What lies behind the padding never counts.
layout(constant_id = 13) const bool k_include_pad = true;

struct Window {
  int first; // valid elements: first <= e < last
  int last;
  int divisor; // at least 1
};

// limit: size plus the padding behind.
Window window_of(uint i, uint size, uint kernel, uint stride, uint before, uint limit) {
  if (k_adaptive) {
    int first = int(i * size / kernel);
    int last = int(((i + 1u) * size + kernel - 1u) / kernel);
    return Window(first, last, last - first);
  }
  int begin = int(i * stride) - int(before);
  int end = min(begin + int(kernel), int(limit));
  int first = max(begin, 0);
  int last = min(end, int(size));
  return Window(first, last, max(k_include_pad ? end - begin : last - first, 1));
}

#endif
