// Functions that Vulkan leaves to the driver with a few ULPs of freedom, or more near their zeros, made from +, *, / and
// bits: nearly equal results on every device, and small relative errors everywhere.
#ifndef VKNN_MATH_GLSL
#define VKNN_MATH_GLSL

bool is_nan(float x) {
  return (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u;
}

float nan_value() {
  return uintBitsToFloat(0x7fc00000u);
}

float infinity() {
  return uintBitsToFloat(0x7f800000u);
}

// 2^n for n in -126..127.
float exp2_integer(int n) {
  return uintBitsToFloat(uint(n + 127) << 23);
}

const float k_ln2_high = 0.693145751953125; // 15 bits: products with exponents are exact
const float k_ln2_low = 1.42860682030941723e-6;

// exp(r) - 1 for |r| <= 0.35 (Taylor to the seventh power: below 1e-9 relative to r).
float expm1_small(float r) {
  return r + r * r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0))))));
}

// The power of two and the rest of an exponent.
float reduce_exponent(float x, out int n) {
  n = int(floor(x * 1.44269504 + 0.5));
  float k = float(n);
  return (x - k * k_ln2_high) - k * k_ln2_low;
}

float exp_accurate(float x) {
  if (x > 88.73) {
    return infinity();
  }
  if (x < -104.0) {
    return 0.0;
  }
  int n;
  float r = reduce_exponent(x, n);
  int half_n = n / 2; // in two steps, as 2^n may be no normal number
  return (1.0 + expm1_small(r)) * exp2_integer(half_n) * exp2_integer(n - half_n);
}

float expm1_accurate(float x) {
  return abs(x) < 0.35 ? expm1_small(x) : exp_accurate(x) - 1.0;
}

// log(m) for m near 1, given m - 1: twice the area tangent of (m - 1) / (m + 1).
float log_near_one(float d) {
  float s = d / (2.0 + d);
  float t = s * s;
  float tail = t * (1.0 / 3.0 + t * (0.2 + t * (1.0 / 7.0 + t * (1.0 / 9.0 + t * (1.0 / 11.0)))));
  // d - s * d is 2 s; written so that the leading term keeps all bits of d.
  return d - s * (d - 2.0 * tail);
}

float log_accurate(float x) {
  uint bits = floatBitsToUint(x);
  if (x == 0.0) {
    return -infinity();
  }
  if ((bits >> 31) != 0u || bits >= 0x7f800000u) {
    return bits == 0x7f800000u || is_nan(x) ? x : nan_value();
  }
  int n = 0;
  if (bits < 0x00800000u) {
    int top = findMSB(bits); // subnormal: x is its integer bits times 2^-149
    n = top - 23;
    bits <<= uint(23 - top);
    bits = (bits & 0x7fffffu) | 0x00800000u;
  }
  // The mantissa from sqrt(1/2) to sqrt(2).
  uint rebased = bits - 0x3f3504f3u;
  n += int(rebased) >> 23;
  float m = uintBitsToFloat((rebased & 0x7fffffu) + 0x3f3504f3u);
  float k = float(n);
  return k * k_ln2_high + (log_near_one(m - 1.0) + k * k_ln2_low);
}

float log1p_accurate(float x) {
  return x > -0.2928 && x < 0.4142 ? log_near_one(x) : log_accurate(1.0 + x);
}

// The error function: a rational approximation in x^2, within 1e-7 of the exact value; 1 in float32 from 4 on.
float erf_accurate(float x) {
  float a = clamp(x, -4.0, 4.0);
  float s = a * a;
  float p = -2.72614225801306e-10;
  p = p * s + 2.77068142495902e-08;
  p = p * s - 2.10102402082508e-06;
  p = p * s - 5.69250639462346e-05;
  p = p * s - 7.34990630326855e-04;
  p = p * s - 2.95459980854025e-03;
  p = p * s - 1.60960333262415e-02;
  float q = -1.45660718464996e-05;
  q = q * s - 2.13374055278905e-04;
  q = q * s - 1.68282697438203e-03;
  q = q * s - 7.37332916720468e-03;
  q = q * s - 1.42647390514189e-02;
  return a * p / q;
}

// tanh by expm1, with all digits near 0.
float tanh_accurate(float x) {
  float e = expm1_accurate(-2.0 * abs(x));
  float t = -e / (2.0 + e);
  return x < 0.0 ? -t : t;
}

const float k_selu_scale = 1.05070098735548049;
const float k_selu_alpha = 1.67326324235437728;
const float k_half_root = 0.70710678118654752; // sqrt(1/2)
const float k_gelu_scale = 0.79788456080286536; // sqrt(2 / pi)
const float k_gelu_cubic = 0.044715;

// x to the power p. Whole powers up to 64 by multiplication.
float power(float x, float p) {
  bool whole = p == floor(p);
  float a = abs(x);
  if (whole && abs(p) <= 64.0) {
    uint rest = uint(abs(p));
    float result = 1.0;
    float square = x;
    for (uint i = 0u; i < 7u; i++) {
      result *= (rest & 1u) == 1u ? square : 1.0;
      square = rest > 1u ? square * square : square;
      rest >>= 1;
    }
    return p < 0.0 ? 1.0 / result : result;
  }
  if (p == 0.5) {
    return x < 0.0 ? nan_value() : sqrt(a);
  }
  float y = a == 0.0 ? (p < 0.0 ? infinity() : 0.0) : exp_accurate(p * log_accurate(a));
  if ((floatBitsToUint(x) >> 31) == 0u || a == 0.0) {
    return y;
  }
  return !whole ? nan_value() : (fract(abs(p) * 0.5) != 0.0 ? -y : y);
}

#endif
