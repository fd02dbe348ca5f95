// builds: word word_texel
// Gradient of padding in float32, gathered: every input element sums the gradients of all places that show it, axis by
// axis in a fixed order, so there are no atomics. Modes as in pad.comp.
//
// On one axis the places that show element i are two arithmetic sequences: for reflection i + k period and -i + k period,
// for circular padding i + k size, for edges one run. Index map: invocation i makes element i of the input's gradient.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_mode = 0u;
layout(constant_id = 2) const uint k_rank = 1u; // 1..6

#ifdef BUILD_WORD_TEXEL
#define LOAD_TEXEL
#endif
#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/grid.glsl"

INPUT1(0, x)
OUTPUT4(1, result)

layout(push_constant) uniform Push {
  uint count; // elements of the result
  uint size_0, size_1, size_2, size_3, size_4, size_5; // of the result: sizes before padding
  uint multiplier_0, multiplier_1, multiplier_2, multiplier_3, multiplier_4;
  uint shifts;
  uint before_0, before_1, before_2, before_3, before_4, before_5;
  uint from_0, from_1, from_2, from_3, from_4, from_5; // sizes of the padded gradient
} push;

// Places on one axis: first, first + step, … (count_1 of them), then second, second + step, … (all - count_1).
struct Places {
  int first;
  int second;
  int step_size;
  int count_1;
  int all;
};

// The smallest number of the form start + k * step that is at least 0; start may be negative.
int first_place(int start, int step_size) {
  return start >= 0 ? start % step_size : (step_size - 1) - (-1 - start) % step_size;
}

int count_from(int first, int step_size, int size) {
  return first < size ? (size - 1 - first) / step_size + 1 : 0;
}

Places places_of(int i, int size, int before, int padded) {
  Places places;
  places.first = before + i;
  places.second = 0;
  places.step_size = 1;
  places.count_1 = 1;
  places.all = 1;
  int after = padded - before - size;
  bool single = k_mode == 0u || (k_mode == 1u && i > 0 && i < size - 1) ||
    (k_mode == 2u && i > before && i < size - 1 - after) || (k_mode == 3u && i >= after && i < size - before);
  if (single) {
    return places;
  }
  if (k_mode == 2u && size > 1) {
    places.step_size = 2 * (size - 1);
    places.first = first_place(before + i, places.step_size);
    places.second = first_place(before - i, places.step_size);
    places.count_1 = count_from(places.first, places.step_size, padded);
    // The two sequences of the first and the last element are the same one.
    bool twice = i > 0 && i < size - 1;
    places.all = places.count_1 + (twice ? count_from(places.second, places.step_size, padded) : 0);
    return places;
  }
  if (k_mode == 3u) {
    places.step_size = size;
    places.first = first_place(before + i, size);
    places.count_1 = count_from(places.first, size, padded);
  } else {
    // Edges, and reflection of a single element.
    places.first = i == 0 ? 0 : before + i;
    places.count_1 = (i == size - 1 ? padded : before + i + 1) - places.first;
  }
  places.all = places.count_1;
  return places;
}

Places all_places[6];
uint strides[6];
uint rest = 0u;
uint total = 1u;
uint stride = 1u;
uint first = 0u; // where the first places of all axes meet

void step_axis(uint axis, uint size, uint multiplier, uint before, uint from) {
  if (axis >= k_rank) {
    return;
  }
  uint i = rest;
  if (axis + 1u < k_rank) {
    rest = divide(i, multiplier, (push.shifts >> (axis * 5u)) & 31u);
    i -= rest * size;
  }
  all_places[axis] = places_of(int(i), int(size), int(before), int(from));
  strides[axis] = stride;
  first += uint(all_places[axis].first) * stride;
  total *= uint(all_places[axis].all);
  stride *= from;
}

void main() {
  uint index = invocation_index();
  rest = min(index, push.count - 1u);
  step_axis(0u, push.size_0, push.multiplier_0, push.before_0, push.from_0);
  step_axis(1u, push.size_1, push.multiplier_1, push.before_1, push.from_1);
  step_axis(2u, push.size_2, push.multiplier_2, push.before_2, push.from_2);
  step_axis(3u, push.size_3, push.multiplier_3, push.before_3, push.from_3);
  step_axis(4u, push.size_4, push.multiplier_4, push.before_4, push.from_4);
  step_axis(5u, push.size_5, 0u, push.before_5, push.from_5);
  // The usual single place keeps its bits, also the sign of zero.
  float sum = LOAD1(x, first);
  for (uint k = 1u; k < total; k++) {
    uint digits = k;
    uint at = 0u;
    for (uint axis = 0u; axis < k_rank; axis++) {
      Places places = all_places[axis];
      uint count = uint(places.all);
      uint next = axis + 1u < k_rank && count > 1u ? digits / count : (axis + 1u < k_rank ? digits : 0u);
      int digit = int(digits - next * count);
      digits = next;
      int place = digit < places.count_1
        ? places.first + digit * places.step_size
        : places.second + (digit - places.count_1) * places.step_size;
      at += uint(place) * strides[axis];
    }
    sum += LOAD1(x, at);
  }
  if (index < push.count) {
    STORE1(result, index, sum);
  }
}
