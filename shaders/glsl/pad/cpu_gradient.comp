// builds: storage texel
// Gradient of padding in float32 on a CPU device (lavapipe): as gradient.comp does, where no pad is longer than its axis
// and rows of the result are whole vec4s of at least 8 words. Nothing is divided lane by lane.
//
// On one axis element i is shown at before + i, and at up to two runs of other places: a reflection or a turn on either
// side, or an edge repeated. Those of the outer axes are counted through row by row. Those of the rows are in runs of 8 near
// a border only, which a dispatch of their own makes: Mesa runs the body of a loop once, even if no lane enters it.
// Index map: invocation i makes 8 neighbors of a row, for which it reads three vec4s of the unaligned row and shifts them.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_mode = 0u;
layout(constant_id = 2) const uint k_rank = 1u; // 1..6
// Rows are whole runs of 8; else of whole vec4s.
layout(constant_id = 3) const bool k_octets = false;
layout(constant_id = 4) const bool k_border = false;

#define STORE_PAIRS
#define STORE_OCTETS
#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/grid.glsl"

INPUT1(0, x)
INPUT4(1, x_quads)
OUTPUT4(2, result)

layout(push_constant) uniform Push {
  uint count; // runs
  uint width; // of a row of the result
  uint last;  // index of the last vec4 of x
  uint split; // runs of this dispatch in front of those that another one makes
  uint skip;  // runs of that one
  uint size_0, size_1, size_2, size_3, size_4, size_5; // of the result; of axis 0 the runs of this dispatch
  uint multiplier_0, multiplier_1, multiplier_2, multiplier_3, multiplier_4;
  uint shifts;
  uint before_0, before_1, before_2, before_3, before_4, before_5;
  uint from_0, from_1, from_2, from_3, from_4, from_5; // sizes of the padded gradient
} push;

// The other places of one element: first, first + 1, … (count_1 of them), then second, second + 1, … (all - count_1).
struct Others {
  int first;
  int second;
  int count_1;
  int all;
};

Others others_of(int i, int size, int before, int padded) {
  Others others = Others(0, 0, 0, 0);
  int count_2 = 0;
  if (k_mode == 1u) {
    others.second = before + size;
    others.count_1 = i == 0 ? before : 0;
    count_2 = i == size - 1 ? padded - before - size : 0;
  } else if (k_mode == 2u) {
    others.first = before - i;
    others.second = before + 2 * (size - 1) - i;
    // The first and the last element are not repeated.
    others.count_1 = i >= 1 && others.first >= 0 ? 1 : 0;
    count_2 = i <= size - 2 && others.second < padded ? 1 : 0;
  } else if (k_mode == 3u) {
    others.first = before + i - size;
    others.second = before + i + size;
    others.count_1 = others.first >= 0 ? 1 : 0;
    count_2 = others.second < padded ? 1 : 0;
  }
  others.all = others.count_1 + count_2;
  return others;
}

int other_place(Others others, int k) {
  return k < others.count_1 ? others.first + k : others.second + k - others.count_1;
}

int own[6];
int digits[6]; // 0 the own place, 1 the first other one
Others others[6];
uint strides[6];
uint rest = 0u;
uint stride = 1u;

void step_axis(uint axis, uint size, uint multiplier, uint before, uint from) {
  if (axis >= k_rank) {
    return;
  }
  uint i = rest;
  if (axis + 1u < k_rank) {
    rest = divide(i, multiplier, (push.shifts >> (axis * 5u)) & 31u);
    i -= rest * size;
  }
  own[axis] = int(i);
  strides[axis] = stride;
  stride *= from;
  if (axis > 0u) {
    own[axis] = int(i + before);
    digits[axis] = 0;
    others[axis] = others_of(int(i), int(size), int(before), int(from));
  }
}

void main() {
  uint index = invocation_index();
  rest = min(index, push.count - 1u);
  step_axis(0u, push.size_0, push.multiplier_0, push.before_0, push.from_0);
  uint line = k_rank > 1u ? rest : 0u;
  step_axis(1u, push.size_1, push.multiplier_1, push.before_1, push.from_1);
  step_axis(2u, push.size_2, push.multiplier_2, push.before_2, push.from_2);
  step_axis(3u, push.size_3, push.multiplier_3, push.before_3, push.from_3);
  step_axis(4u, push.size_4, push.multiplier_4, push.before_4, push.from_4);
  step_axis(5u, push.size_5, 0u, push.before_5, push.from_5);
  uint run = uint(own[0]);
  run += run >= push.split ? push.skip : 0u;
  int column = int(run * 8u);
  int width = int(push.width);
  int before = int(push.before_0);
  int behind = int(push.from_0) - before - width;
  int reach = max(before, behind);
  bool near = column <= reach || column + 8 + reach >= width;
  int most = near ? (k_mode == 1u ? reach : 2) : 0;

  float sums[8];
  bool more = true;
  for (uint round = 0u; more; round++) {
    uint row = 0u;
    bool carry = true;
    [[unroll]] for (uint axis = 1u; axis < k_rank; axis++) {
      int digit = digits[axis];
      int place = digit == 0 ? own[axis] : other_place(others[axis], digit - 1);
      row += uint(place) * strides[axis];
      digit += carry ? 1 : 0;
      carry = digit > others[axis].all;
      digits[axis] = carry ? 0 : digit;
    }
    more = !carry;

    uint start = row + uint(column + before);
    vec4 four[3];
    [[unroll]] for (uint t = 0u; t < 3u; t++) {
      four[t] = LOAD4(x_quads, min((start >> 2u) + t, push.last));
    }
    bool by_one = (start & 1u) != 0u;
    bool by_two = (start & 2u) != 0u;
    float shifted[9];
    [[unroll]] for (uint k = 0u; k < 9u; k++) {
      shifted[k] = by_two ? four[(k + 2u) / 4u][(k + 2u) % 4u] : four[k / 4u][k % 4u];
    }
    [[unroll]] for (uint k = 0u; k < 8u; k++) {
      float value = by_one ? shifted[k + 1u] : shifted[k];
      // The usual single place keeps its bits, also the sign of zero.
      sums[k] = round == 0u ? value : sums[k] + value;
    }
    for (int n = 0; k_border && n < most; n++) {
      [[unroll]] for (uint k = 0u; k < 8u; k++) {
        int i = column + int(k);
        Others beside = others_of(i, width, before, int(push.from_0));
        bool shown = n < beside.all && i < width;
        float value = LOAD1(x, shown ? row + uint(other_place(beside, n)) : 0u);
        sums[k] = shown ? sums[k] + value : sums[k];
      }
    }
  }

  if (index < push.count) {
    vec4 low = vec4(sums[0], sums[1], sums[2], sums[3]);
    vec4 high = vec4(sums[4], sums[5], sums[6], sums[7]);
    if (k_octets) {
      STORE8(result, (line * push.width >> 3u) + run, low, high);
    } else {
      uint at = (line * push.width >> 2u) + run * 2u;
      STORE4(result, at, low);
      if (column + 4 < width) {
        STORE4(result, at + 1u, high);
      }
    }
  }
}
