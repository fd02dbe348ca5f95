// builds: storage texel
// Softmax or its logarithm along one axis: x and y are [outer][elements][inner].
// Index map: item i is one line of x, read three times. k_lanes > 1: the invocations of a workgroup share one line, as
// in reduce.comp. 12 bytes read per 4 written.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const bool k_log = false;
layout(constant_id = 5) const uint k_lanes = 1u; // 1 or the local size, a power of two

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/math.glsl"
#include "lib/words.glsl"

WORDS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { float values[]; } result;

layout(push_constant) uniform Push {
  uint items;
  uint elements;
  uint inner;
  uint multiplier_inner, shift_inner;
  float temperature;
} push;

const uint k_slots = k_lanes > 1u ? k_lanes : 1u;
shared float shared_values[k_slots];

float load(uint index) {
  return uintBitsToFloat(WORD(x, index)) / push.temperature;
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
  float log_sum = log_accurate(sum);
  bool bad = is_nan(top) || is_nan(sum);
  for (uint at = lane; at < end; at += k_lanes) {
    uint index = base + at * push.inner;
    float d = load(index) - top;
    float y = k_log ? d - log_sum : exp_accurate(d) / sum;
    result.values[index] = bad ? nan_value() : y;
  }
}
