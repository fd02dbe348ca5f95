// builds: texel storage wide
// Gradient of the data from the gradient C of the columns on any device: adds C, times mask and bilinear weight, to the
// four neighbors of each sample, in fixed point with 64 bits. Integer sums do not depend on their order, so equal inputs
// give equal bits. Three steps, chosen by k_step:
//   0 largest |C * mask| of the chunk, as bits, into scale[0]
//   1 adds C * mask * weight * 2^(40 - e), cut to an integer, where 2^e exceeds the largest, to pairs of words (low, high)
//   2 turns the sums into floats and adds them to the result (or sets it, with k_first)
// The wide build adds 64 bits at once; the others add the low word, then the high one with what was carried.
// 40 bits below the largest leave 2^23 additions to one place before 64 bits overflow.
// Gradients of columns: [output of the chunk][group][tap][quad] vec4s; sums: [image][place + 1][quad][4] pairs.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef BUILD_WIDE
#extension GL_EXT_shader_atomic_int64 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_step = 0u;
layout(constant_id = 2) const bool k_has_mask = false;
layout(constant_id = 3) const bool k_first = false;

layout(push_constant) uniform Push {
  uint items; // steps 0, 1: outputs of the chunk * taps * quads; step 2: floats of the sums
  uint quads;
  uint run_start;
  uint runs_per_image;
  uint outputs;
  uint out_w;
  uint height;
  uint width;
  uint taps;
  uint deformable_quads;
  uint group_quads;
  uint depth;
  uint offset_n;
  uint offset_c;
  uint offset_p;
  uint mask_n;
  uint mask_c;
  uint mask_p;
  uint kernel_w;
  int stride_h, stride_w;
  int padding_h, padding_w;
  int dilation_h, dilation_w;
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"
#include "sampler.glsl"

INPUT1(0, offset)
INPUT1(1, mask)
INPUT4(2, columns)
layout(set = 0, binding = 3, std430) buffer scale_block { uint scale_bits[]; };
layout(set = 0, binding = 4, std430) buffer pairs_block { uint pairs[]; };
#ifdef BUILD_WIDE
layout(set = 0, binding = 4, std430) buffer sums_block { uint64_t wide_sums[]; };
#endif
layout(set = 0, binding = 5, std430) buffer result_block { float result_data[]; };

// e with 2^e > the largest value; what is not finite counts as 2^128.
int exponent() {
  return int(scale_bits[0] >> 23u) - 126;
}

// x * 2^n without overflow on the way, |n| below 252.
float scaled(float x, int n) {
  int one = n / 2;
  float first = uintBitsToFloat(uint(one + 127) << 23u);
  float second = uintBitsToFloat(uint(n - one + 127) << 23u);
  return x * first * second;
}

// Adds a number below 2^63, rounded towards zero, to a pair; every step but that rounding is exact.
void add(uint at, float value) {
#ifdef BUILD_WIDE
  atomicAdd(wide_sums[at >> 1u], uint64_t(int64_t(value)));
#else
  float size = abs(value);
  float high_part = floor(size * (1.0 / 4294967296.0));
  uint high = uint(high_part);
  uint low = uint(size - high_part * 4294967296.0);
  if (value < 0.0) {
    high = ~high + (low == 0u ? 1u : 0u);
    low = ~low + 1u;
  }
  uint before = atomicAdd(pairs[at], low);
  uint carry = before + low < before ? 1u : 0u;
  atomicAdd(pairs[at + 1u], high + carry);
#endif
}

void main() {
  uint item = invocation_index();
  if (item >= push.items) {
    return;
  }
  if (k_step == 2u) {
    uint low = pairs[item * 2u];
    uint high = pairs[item * 2u + 1u];
    bool negative = (high & 0x80000000u) != 0u;
    uint magnitude_low = negative ? ~low + 1u : low;
    uint magnitude_high = negative ? ~high + (low == 0u ? 1u : 0u) : high;
    float value = float(magnitude_high) * 4294967296.0 + float(magnitude_low);
    value = scaled(negative ? -value : value, exponent() - 40);
    // A gradient that is not finite anywhere cannot be scaled: say so everywhere.
    value = scale_bits[0] >= 0x7f800000u ? uintBitsToFloat(0x7fc00000u) : value;
    result_data[item] = k_first ? value : result_data[item] + value;
    return;
  }

  uint u = item % push.quads;
  uint rest = item / push.quads;
  uint tap = rest % push.taps;
  uint column = rest / push.taps;
  uint run = push.run_start + (column >> 2u);
  uint image = run / push.runs_per_image;
  uint place = (run - image * push.runs_per_image) * 4u + (column & 3u);
  if (place >= push.outputs) {
    return;
  }
  uint group = u / push.group_quads;
  uint channel = (u / push.deformable_quads) * push.taps + tap;
  vec4 c = LOAD4(columns, column * push.depth + (group * push.taps + tap) * push.group_quads + u - group * push.group_quads);
  if (k_has_mask) {
    c *= LOAD1(mask, image * push.mask_n + channel * push.mask_c + place * push.mask_p);
  }
  if (k_step == 0u) {
    uvec4 bits = floatBitsToUint(c) & 0x7fffffffu;
    uint largest = max(max(bits.x, bits.y), max(bits.z, bits.w));
    // Without the test every invocation would wait for the same word.
    if (largest > scale_bits[0]) {
      atomicMax(scale_bits[0], largest);
    }
    return;
  }
  if (scale_bits[0] >= 0x7f800000u) {
    return;
  }
  int shift = 40 - exponent();
  uint row = place / push.out_w;
  vec2 origin = tap_origin(row, place - row * push.out_w, tap);
  uint at = image * push.offset_n + 2u * channel * push.offset_c + place * push.offset_p;
  float y = origin.x + LOAD1(offset, at);
  float x = origin.y + LOAD1(offset, at + push.offset_c);
  Cell cell = cell_at(y, x, int(push.height), int(push.width));
  vec4 weights = cell_weights(cell);
  uint base = image * (push.height * push.width + 1u);
  for (uint i = 0u; i < 4u; i++) {
    if (weights[i] != 0.0 && cell.at[i] != push.height * push.width) {
      for (uint j = 0u; j < 4u; j++) {
        add((((base + cell.at[i]) * push.quads + u) * 4u + j) * 2u, scaled(weights[i] * c[j], shift));
      }
    }
  }
}
