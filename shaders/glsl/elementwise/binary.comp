// builds: equal equal_texel broadcast broadcast_texel
// Two operands, one result: arithmetic and comparisons with broadcasting.
// Index map of the equal builds (equal shapes, or one operand is a single element): invocation i makes words 4i..4i+3;
// 8 bytes read per 4 written, and buffers are padded to 16 bytes. Broadcast builds: invocation i makes word i, each
// operand read at its own strides, 0 on repeated axes. Local size 64: no cooperation, small tail.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

// 0 float32, 1 int32, 2 float16
layout(constant_id = 3) const uint k_type = 0u;
// 0 a + b, 1 a - b, 2 a * b, 3 a / b (integers: toward zero, 0 for b = 0), 4 max, 5 min,
// and as 1 or 0: 6 a == b, 7 a != b, 8 a > b, 9 a >= b, 10 a < b, 11 a <= b
layout(constant_id = 4) const uint k_operation = 0u;
#if defined(BUILD_EQUAL_TEXEL) || defined(BUILD_BROADCAST_TEXEL)
#define LOAD_TEXEL
#endif
#if defined(BUILD_BROADCAST) || defined(BUILD_BROADCAST_TEXEL)
#define BROADCAST
// Axes that are left when those that every operand walks alike are merged; 1..6.
layout(constant_id = 5) const uint k_rank = 6u;
#else
// 0 neither operand is a single element, 1 b is, 2 a is
layout(constant_id = 5) const uint k_single = 0u;
#endif

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/half.glsl"
#include "lib/words.glsl"

#ifdef BROADCAST
WORDS(0, a)
WORDS(1, b)
layout(set = 0, binding = 2) writeonly buffer Output { uint words[]; } result;
#else
QUADS(0, a)
QUADS(1, b)
layout(set = 0, binding = 2) writeonly buffer Output { uvec4 quads[]; } result;
#endif

layout(push_constant) uniform Push {
  uint count; // quads, or words when broadcasting
#ifdef BROADCAST
  uint last; // index of the last element
  // Axis 0 is the innermost. The outermost needs no divisor: its coordinate is the last quotient.
  uint size_0, size_1, size_2, size_3, size_4;
  uint multiplier_0, multiplier_1, multiplier_2, multiplier_3, multiplier_4;
  uint shifts; // five bits for each axis
  uint a_0, a_1, a_2, a_3, a_4, a_5;
  uint b_0, b_1, b_2, b_3, b_4, b_5;
#endif
} push;

// -1, 0 or 1 as x is less than y, equal or greater.
int sign_of(float x, float y) {
  return x < y ? -1 : (x > y ? 1 : 0);
}

// Whether a comparison holds for operands of that order.
bool holds(int order) {
  switch (k_operation) {
    case 6u: return order == 0;
    case 7u: return order != 0;
    case 8u: return order > 0;
    case 9u: return order >= 0;
    case 10u: return order < 0;
    default: return order <= 0;
  }
}

float compute_float(float x, float y) {
  if (k_operation == 0u) {
    return x + y;
  }
  if (k_operation == 1u) {
    return x - y;
  }
  if (k_operation == 2u) {
    return x * y;
  }
  if (k_operation == 3u) {
    return x / y;
  }
  // NaN is recognized by its bits: drivers may assume that no float is NaN.
  bool x_nan = (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u;
  bool y_nan = (floatBitsToUint(y) & 0x7fffffffu) > 0x7f800000u;
  if (k_operation >= 6u) {
    bool ordered = !x_nan && !y_nan;
    return (k_operation == 7u ? !ordered || x != y : ordered && holds(sign_of(x, y))) ? 1.0 : 0.0;
  }
  // A NaN operand wins.
  bool first = k_operation == 4u ? x >= y : x <= y;
  return x_nan || (first && !y_nan) ? x : y;
}

int compute_int(int x, int y) {
  if (k_operation == 0u) {
    return x + y;
  }
  if (k_operation == 1u) {
    return x - y;
  }
  if (k_operation == 2u) {
    return x * y;
  }
  if (k_operation == 3u) {
    // GLSL leaves division by 0 and negative operands to the driver: divide magnitudes.
    uint magnitude = uint(abs(x)) / max(uint(abs(y)), 1u);
    return y == 0 ? 0 : ((x ^ y) < 0 ? -int(magnitude) : int(magnitude));
  }
  if (k_operation >= 6u) {
    return holds(x < y ? -1 : (x > y ? 1 : 0)) ? 1 : 0;
  }
  return k_operation == 4u ? max(x, y) : min(x, y);
}

uint compute_half(uint x, uint y) {
  return float_to_half(compute_float(half_to_float(x & 0xffffu), half_to_float(y & 0xffffu)));
}

uint compute_word(uint x, uint y) {
  if (k_type == 1u) {
    return uint(compute_int(int(x), int(y)));
  }
  if (k_type == 2u) {
    return compute_half(x, y) | (compute_half(x >> 16, y >> 16) << 16);
  }
  return floatBitsToUint(compute_float(uintBitsToFloat(x), uintBitsToFloat(y)));
}

#ifdef BROADCAST
uint pick(uint word, uint index) {
  return k_type == 2u ? (word >> ((index & 1u) * 16u)) & 0xffffu : word;
}

uint compute_at(uvec2 index) {
  uvec2 at = k_type == 2u ? index >> 1 : index;
  uint x = pick(WORD(a, at.x), index.x);
  uint y = pick(WORD(b, at.y), index.y);
  return k_type == 2u ? compute_half(x, y) : compute_word(x, y);
}

void step_axis(inout uint rest, inout uvec2 offsets, uint axis, uint size, uint multiplier, uint sa, uint sb) {
  if (axis >= k_rank) {
    return;
  }
  uint coordinate = rest;
  if (axis + 1u < k_rank) {
    rest = divide(coordinate, multiplier, (push.shifts >> (axis * 5u)) & 31u);
    coordinate -= rest * size;
  }
  offsets += coordinate * uvec2(sa, sb);
}

uvec2 offsets_of(uint index) {
  uvec2 offsets = uvec2(0u);
  step_axis(index, offsets, 0u, push.size_0, push.multiplier_0, push.a_0, push.b_0);
  step_axis(index, offsets, 1u, push.size_1, push.multiplier_1, push.a_1, push.b_1);
  step_axis(index, offsets, 2u, push.size_2, push.multiplier_2, push.a_2, push.b_2);
  step_axis(index, offsets, 3u, push.size_3, push.multiplier_3, push.a_3, push.b_3);
  step_axis(index, offsets, 4u, push.size_4, push.multiplier_4, push.a_4, push.b_4);
  step_axis(index, offsets, 5u, 1u, 0u, push.a_5, push.b_5);
  return offsets;
}

void main() {
  uint i = invocation_index();
  if (i >= push.count) {
    return;
  }
  if (k_type == 2u) {
    uint low = compute_at(offsets_of(2u * i));
    uint high = compute_at(offsets_of(min(2u * i + 1u, push.last))); // the last word may hold one element only
    result.words[i] = low | (high << 16);
  } else {
    result.words[i] = compute_at(offsets_of(i));
  }
}
#else
// The first element of an operand, repeated.
uvec4 splat(uint word) {
  return uvec4(k_type == 2u ? (word & 0xffffu) | (word << 16) : word);
}

void main() {
  uint i = invocation_index();
  if (i >= push.count) {
    return;
  }
  uvec4 x = QUAD(a, k_single == 2u ? 0u : i);
  uvec4 y = QUAD(b, k_single == 1u ? 0u : i);
  x = k_single == 2u ? splat(x.x) : x;
  y = k_single == 1u ? splat(y.x) : y;
  result.quads[i] = uvec4(
    compute_word(x.x, y.x), compute_word(x.y, y.y), compute_word(x.z, y.z), compute_word(x.w, y.w));
}
#endif
