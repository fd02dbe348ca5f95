// builds: plain states
// One step of an optimizer in place: weight and states are read and written once, the gradient is read once.
// states is [number][quads] of float32, whatever the weight; with k_master the last one is the weight in float32.
// Index map: invocation i makes elements 4i..4i+3; buffers are padded to 16 bytes. Storage buffers only, because they
// are written as well. Local size 64: no cooperation, small tail.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

// With g = clip(rescale * gradient) + wd * w, but for 4 without the last term:
// 0 sgd, 1 sgd with momentum, 2 nag, 3 adam, 4 adamw, 5 rmsprop, 6 rmsprop, centered
layout(constant_id = 3) const uint k_rule = 0u;
layout(constant_id = 4) const bool k_half = false; // weight and gradient are float16
layout(constant_id = 5) const bool k_clip = false; // the gradient
layout(constant_id = 6) const bool k_clip_weight = false;
layout(constant_id = 7) const bool k_master = false;

#include "lib/grid.glsl"
#include "lib/half.glsl"

layout(set = 0, binding = 0) buffer Weight { vec4 quads[]; } weight;
layout(set = 0, binding = 0) buffer WeightHalf { uvec2 quads[]; } weight_half;
layout(set = 0, binding = 1) readonly buffer Gradient { vec4 quads[]; } gradient;
layout(set = 0, binding = 1) readonly buffer GradientHalf { uvec2 quads[]; } gradient_half;
#ifdef BUILD_STATES
layout(set = 0, binding = 2) buffer States { vec4 quads[]; } states;
#endif

layout(push_constant) uniform Push {
  uint quad_count;
  float lr, wd, rescale, clip;
  float momentum;
  float keep_1, add_1; // first average: decay and 1 - decay
  float keep_2, add_2; // average of squares
  float epsilon;
  float clip_weight;
} push;

vec4 widen(uvec2 words) {
  return vec4(half_to_float(words.x & 0xffffu), half_to_float(words.x >> 16),
    half_to_float(words.y & 0xffffu), half_to_float(words.y >> 16));
}

uvec2 narrow(vec4 values) {
  return uvec2(float_to_half(values.x) | (float_to_half(values.y) << 16),
    float_to_half(values.z) | (float_to_half(values.w) << 16));
}

// NaN stays NaN, recognized by its bits: drivers may assume that no float is NaN.
vec4 clamp_to(vec4 values, float bound) {
  uvec4 magnitudes = floatBitsToUint(values) & 0x7fffffffu;
  return mix(clamp(values, -bound, bound), values, greaterThan(magnitudes, uvec4(0x7f800000u)));
}

#ifdef BUILD_STATES
// Moves an average, state `at`, toward a value.
vec4 average(uint at, float keep, float add, vec4 value) {
  vec4 next = keep * states.quads[at] + add * value;
  states.quads[at] = next;
  return next;
}
#endif

void main() {
  uint i = invocation_index();
  if (i >= push.quad_count) {
    return;
  }
  vec4 g = push.rescale * (k_half ? widen(gradient_half.quads[i]) : gradient.quads[i]);
  if (k_clip) {
    g = clamp_to(g, push.clip);
  }
  vec4 w;
#ifdef BUILD_STATES
  uint second = i + push.quad_count;
  uint third = second + push.quad_count;
  uint used = k_rule == 0u ? 0u : (k_rule <= 2u || k_rule == 5u ? 1u : (k_rule == 6u ? 3u : 2u));
  uint master = i + used * push.quad_count;
  if (k_master) {
    w = states.quads[master];
  } else
#endif
  {
    w = k_half ? widen(weight_half.quads[i]) : weight.quads[i];
  }
  if (k_rule != 4u) {
    g += push.wd * w;
  }
  if (k_rule == 0u) {
    w -= push.lr * g;
  }
#ifdef BUILD_STATES
  if (k_rule == 1u || k_rule == 2u) {
    vec4 m = push.momentum * states.quads[i] - push.lr * g;
    states.quads[i] = m;
    w += k_rule == 1u ? m : push.momentum * m - push.lr * g;
  } else if (k_rule == 3u || k_rule == 4u) {
    vec4 mean = average(i, push.keep_1, push.add_1, g);
    vec4 square = average(second, push.keep_2, push.add_2, g * g);
    vec4 step = mean / (sqrt(square) + push.epsilon);
    w -= push.lr * (k_rule == 4u ? step + push.wd * w : step);
  } else if (k_rule == 5u) {
    vec4 square = average(i, push.keep_2, push.add_2, g * g);
    w -= push.lr * g / (sqrt(square) + push.epsilon);
  } else if (k_rule == 6u) {
    vec4 square = average(i, push.keep_2, push.add_2, g * g);
    vec4 mean = average(second, push.keep_2, push.add_2, g);
    // Rounding may take the variance of a constant gradient below 0.
    vec4 deviation = sqrt(max(square - mean * mean, vec4(0.0)));
    vec4 delta = push.momentum * states.quads[third] - push.lr * g / (deviation + push.epsilon);
    states.quads[third] = delta;
    w += delta;
  }
#endif
  if (k_clip_weight) {
    w = clamp_to(w, push.clip_weight);
  }
#ifdef BUILD_STATES
  if (k_master) {
    states.quads[master] = w;
  }
#endif
  if (k_half) {
    weight_half.quads[i] = narrow(w);
  } else {
    weight.quads[i] = w;
  }
}
