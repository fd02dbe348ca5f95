// The one epilogue of every convolution kernel: bias, residual, activation, and the map from a result to its place
// in the output (plain or pixel shuffle).
//
// Specialization constants 40..53 belong to this file; a kernel that includes it keeps its own ids below 40.
// Order: acc + bias, then + residual, then the activation (a residual network's order); with k_residual_after the
// residual is added after the activation. The kernel loads bias and residual itself, under `if (k_has_bias)` and
// `if (k_has_residual)`, since only it knows its bindings and load path; the residual lies where the result goes.
#ifndef VKNN_EPILOGUE_GLSL
#define VKNN_EPILOGUE_GLSL

// 0 none, 1 relu, 2 sigmoid, 3 tanh, 4 softrelu, 5 softsign, 6 log_sigmoid, 7 mish, 8 leaky relu (slope k_alpha)
layout(constant_id = 40) const uint k_activation = 0u;
layout(constant_id = 41) const bool k_has_bias = false;
layout(constant_id = 42) const bool k_has_residual = false;
layout(constant_id = 43) const bool k_residual_after = false;
layout(constant_id = 44) const uint k_shuffle_d = 1u;
layout(constant_id = 45) const uint k_shuffle_h = 1u;
layout(constant_id = 46) const uint k_shuffle_w = 1u;
layout(constant_id = 47) const float k_alpha = 0.01;
// Phases of a transposed convolution, a part of a pixel shuffle: channel (c * PD + i) * PH ... at d goes to c at
// d * SD + start + i. 0 phases: as many as the shuffle has, a whole pixel shuffle.
layout(constant_id = 48) const uint k_phases_d = 0u;
layout(constant_id = 49) const uint k_phases_h = 0u;
layout(constant_id = 50) const uint k_phases_w = 0u;
layout(constant_id = 51) const uint k_start_d = 0u;
layout(constant_id = 52) const uint k_start_h = 0u;
layout(constant_id = 53) const uint k_start_w = 0u;

// ln(1 + e) for e >= 0: 2 * atanh(e / (2 + e)) as a series while e is small, where ln(1 + e) would lose e.
float log1p_positive(float e) {
  float s = e / (2.0 + e);
  float t = s * s;
  float small = 2.0 * s * (1.0 + t * (1.0 / 3.0 + t * (0.2 + t * (1.0 / 7.0))));
  return e < 0.25 ? small : log(1.0 + e);
}

// Softplus: x > 20 ? x : log1p(exp(x)).
float softplus(float x) {
  return x > 20.0 ? x : log1p_positive(exp(min(x, 20.0)));
}

// tanh without the overflow of a quotient of exponentials; a short series near 0 keeps the relative error small.
float tanh_stable(float x) {
  float a = abs(x);
  float e = exp(-2.0 * a);
  float t = x * x;
  float small = x * (1.0 + t * (-1.0 / 3.0 + t * (2.0 / 15.0 + t * (-17.0 / 315.0))));
  float large = (1.0 - e) / (1.0 + e);
  return a < 0.25 ? small : (x < 0.0 ? -large : large);
}

// NaN is recognized by its bits: drivers may assume that no float is NaN, and max() may drop it.
bool is_nan_bits(float x) {
  return (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u;
}

// Every activation lets NaN pass.
float activate(float x) {
  if (k_activation == 0u) {
    return x;
  }
  float y = x;
  if (k_activation == 1u) {
    y = x > 0.0 ? x : 0.0;
  } else if (k_activation == 2u) {
    float e = exp(-abs(x));
    y = (x < 0.0 ? e : 1.0) / (1.0 + e);
  } else if (k_activation == 3u) {
    y = tanh_stable(x);
  } else if (k_activation == 4u) {
    y = softplus(x);
  } else if (k_activation == 5u) {
    // x / (1 + |x|) without inf / inf: past 2^24 the quotient is the sign.
    y = abs(x) < 16777216.0 ? x / (1.0 + abs(x)) : sign(x);
  } else if (k_activation == 6u) {
    y = -softplus(-x);
  } else if (k_activation == 7u) {
    y = x * tanh_stable(softplus(x));
  } else if (k_activation == 8u) {
    y = x > 0.0 ? x : k_alpha * x;
  }
  return is_nan_bits(x) ? x : y;
}

// The finished value of one output. Pass 0.0 for what is absent.
float epilogue_value(float accumulator, float bias, float residual) {
  float x = accumulator;
  if (k_has_bias) {
    x += bias;
  }
  if (k_has_residual && !k_residual_after) {
    x += residual;
  }
  x = activate(x);
  if (k_has_residual && k_residual_after) {
    x += residual;
  }
  return x;
}

// Element offset of result (channel, d, h, w) inside its image, given the strides of the stored tensor (c, d, h, w).
// With a shuffle, convolution channel ((c * SD + i) * SH + j) * SW + k at (d, h, w) goes to channel c at
// (d * SD + i, h * SH + j, w * SW + k).
uint epilogue_offset(uint channel, uint d, uint h, uint w, uint stride_c, uint stride_d, uint stride_h, uint stride_w) {
  if (k_shuffle_w != 1u) {
    const uint phases = k_phases_w == 0u ? k_shuffle_w : k_phases_w;
    w = w * k_shuffle_w + k_start_w + channel % phases;
    channel /= phases;
  }
  if (k_shuffle_h != 1u) {
    const uint phases = k_phases_h == 0u ? k_shuffle_h : k_phases_h;
    h = h * k_shuffle_h + k_start_h + channel % phases;
    channel /= phases;
  }
  if (k_shuffle_d != 1u) {
    const uint phases = k_phases_d == 0u ? k_shuffle_d : k_phases_d;
    d = d * k_shuffle_d + k_start_d + channel % phases;
    channel /= phases;
  }
  return channel * stride_c + d * stride_d + h * stride_h + w * stride_w;
}

#endif
