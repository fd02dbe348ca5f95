// builds: forward forward_texel backward backward_texel
// Softmax cross entropy with one class for each line: x is [outer][elements][inner], labels and heads [outer][inner].
// forward: result[o][c] = log(sum over k of exp(x[o][k][c])) - x[o][label][c]. backward: result like x,
// head[o][c] * (softmax(x)[o][k][c] - (k is label)). The softmax itself is never stored.
// Index map: item i is one line of x, read twice (forward) or three times. k_lanes > 1: the invocations of a workgroup
// share one line, as in reduce.comp.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const bool k_float_labels = false; // float32 instead of int32
layout(constant_id = 5) const uint k_lanes = 1u; // 1 or the local size, a power of two

#if defined(BUILD_FORWARD_TEXEL) || defined(BUILD_BACKWARD_TEXEL)
#define LOAD_TEXEL
#endif
#if defined(BUILD_BACKWARD) || defined(BUILD_BACKWARD_TEXEL)
#define BACKWARD
#endif

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/math.glsl"
#include "lib/words.glsl"

WORDS(0, x)
WORDS(1, labels)
#ifdef BACKWARD
WORDS(2, head)
layout(set = 0, binding = 3) writeonly buffer Output { float values[]; } result;
#else
layout(set = 0, binding = 2) writeonly buffer Output { float values[]; } result;
#endif

layout(push_constant) uniform Push {
  uint items;
  uint elements;
  uint inner;
  uint multiplier_inner, shift_inner;
} push;

const uint k_slots = k_lanes > 1u ? k_lanes : 1u;
shared float shared_values[k_slots];

float load(uint index) {
  return uintBitsToFloat(WORD(x, index));
}

// NaN wins, decided on bits.
float larger(float a, float b) {
  return is_nan(a) || (a >= b && !is_nan(b)) ? a : b;
}

// Combines one value of each lane; every lane gets the result.
float share(float value, uint lane, bool maximum) {
  if (k_lanes > 1u) {
    barrier();
    shared_values[lane] = value;
    for (uint half_lanes = k_lanes / 2u; half_lanes > 0u; half_lanes /= 2u) {
      barrier();
      if (lane < half_lanes) {
        float other = shared_values[lane + half_lanes];
        value = maximum ? larger(value, other) : value + other;
        shared_values[lane] = value;
      }
    }
    barrier();
    value = shared_values[0];
  }
  return value;
}

// A label beyond the classes means the nearest one, as in pick.comp.
uint label_of(uint line) {
  uint word = WORD(labels, line);
  int at = k_float_labels
    ? int(clamp(uintBitsToFloat(word), -2147483520.0, 2147483520.0))
    : int(word);
  return uint(clamp(at, 0, int(push.elements) - 1));
}

void main() {
  uint i = k_lanes > 1u ? workgroup_index() : invocation_index();
  if (i >= push.items) {
    return;
  }
  uint outer = divide(i, push.multiplier_inner, push.shift_inner);
  uint base = outer * push.elements * push.inner + (i - outer * push.inner);
  uint lane = k_lanes > 1u ? gl_LocalInvocationID.x : 0u;
  uint end = push.elements + opaque_zero();
  float top = -infinity();
  for (uint at = lane; at < end; at += k_lanes) {
    top = larger(top, load(base + at * push.inner));
  }
  top = share(top, lane, true);
  float sum = 0.0;
  for (uint at = lane; at < end; at += k_lanes) {
    sum += exp_accurate(load(base + at * push.inner) - top);
  }
  sum = share(sum, lane, false);
  bool bad = is_nan(top) || is_nan(sum);
  uint label = label_of(i);
#ifdef BACKWARD
  float slope = uintBitsToFloat(WORD(head, i));
  for (uint at = lane; at < end; at += k_lanes) {
    uint index = base + at * push.inner;
    float p = exp_accurate(load(index) - top) / sum;
    result.values[index] = bad ? nan_value() : slope * (at == label ? p - 1.0 : p);
  }
#else
  if (lane == 0u) {
    float chosen = load(base + label * push.inner);
    result.values[i] = bad ? nan_value() : (top - chosen) + log_accurate(sum);
  }
#endif
}
