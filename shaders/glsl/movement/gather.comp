// builds: word word_texel quad quad_texel
// Copies elements between two strided views: slice, transpose, concatenate, nearest upsampling, pixel shuffle.
// Index map: invocation i makes output unit i of the region: a 16-byte element (quad build), a 4-byte element, or, for
// 1- and 2-byte elements, one word that 4 or 2 consecutive elements fill. k_scattered: such small elements may start
// inside a word; then invocation i makes element i and puts its bits in place atomically, which keeps the neighbors.
// k_quad_store, on CPU devices, which store lane by lane: invocation i makes words 4i..4i+3 of a dense region.
// Each element is read once and written once. Local size 64: no cooperation, small tail.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const uint k_element_bytes = 4u; // 1, 2, 4 (word build)
layout(constant_id = 4) const uint k_rank = 7u; // axes of the region, 1..7
layout(constant_id = 5) const bool k_scattered = false;
layout(constant_id = 6) const bool k_dense = false; // the region is a run in the output: no output strides
layout(constant_id = 7) const bool k_quad_store = false;

#if defined(BUILD_WORD_TEXEL) || defined(BUILD_QUAD_TEXEL)
#define LOAD_TEXEL
#endif
#if defined(BUILD_QUAD) || defined(BUILD_QUAD_TEXEL)
#define UNITS_ARE_QUADS
#endif

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/words.glsl"

#ifdef UNITS_ARE_QUADS
QUADS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { uvec4 units[]; } result;
#else
WORDS(0, x)
layout(set = 0, binding = 1) buffer Output { uint units[]; } result;
layout(set = 0, binding = 1) buffer OutputQuads { uvec4 units[]; } result_quads;
#endif

// Axis 0 is the innermost. The outermost needs no divisor: its coordinate is the last quotient.
layout(push_constant) uniform Push {
  uint count; // elements of the region
  uint size_0, size_1, size_2, size_3, size_4, size_5;
  uint multiplier_0, multiplier_1, multiplier_2, multiplier_3, multiplier_4, multiplier_5;
  uint shifts; // five bits for each axis
  int from, from_0, from_1, from_2, from_3, from_4, from_5, from_6;
  int to, to_0, to_1, to_2, to_3, to_4, to_5, to_6;
} push;

// The place of one element in both views.
struct Place {
  uint rest;
  int from;
  int to;
};

void step_axis(inout Place place, uint axis, uint size, uint multiplier, int from, int to) {
  if (axis >= k_rank) {
    return;
  }
  uint coordinate = place.rest;
  if (axis + 1u < k_rank) {
    place.rest = divide(coordinate, multiplier, (push.shifts >> (axis * 5u)) & 31u);
    coordinate -= place.rest * size;
  }
  place.from += int(coordinate) * from;
  if (!k_dense) {
    place.to += int(coordinate) * to;
  }
}

Place place_of(uint index) {
  Place place = Place(index, push.from, push.to);
  if (k_dense) {
    place.to += int(index);
  }
  step_axis(place, 0u, push.size_0, push.multiplier_0, push.from_0, push.to_0);
  step_axis(place, 1u, push.size_1, push.multiplier_1, push.from_1, push.to_1);
  step_axis(place, 2u, push.size_2, push.multiplier_2, push.from_2, push.to_2);
  step_axis(place, 3u, push.size_3, push.multiplier_3, push.from_3, push.to_3);
  step_axis(place, 4u, push.size_4, push.multiplier_4, push.from_4, push.to_4);
  step_axis(place, 5u, push.size_5, push.multiplier_5, push.from_5, push.to_5);
  step_axis(place, 6u, 1u, 0u, push.from_6, push.to_6);
  return place;
}

#ifndef UNITS_ARE_QUADS
const uint k_lanes = 4u / k_element_bytes;
const uint k_bits = k_element_bytes * 8u;
const uint k_mask = k_element_bytes == 4u ? 0xffffffffu : (1u << (k_bits & 31u)) - 1u;

uint small_element(int index) {
  uint at = uint(index);
  return (WORD(x, at / k_lanes) >> ((at % k_lanes) * k_bits)) & k_mask;
}

// Small elements that fill whole words of the output.
void packed_word(uint i) {
  uint word = 0u;
  int to = 0;
  for (uint lane = 0u; lane < k_lanes; lane++) {
    // Past the end the last element is read again: no stray read, and the padding gets a defined value.
    Place place = place_of(min(i * k_lanes + lane, push.count - 1u));
    to = lane == 0u ? place.to : to;
    word |= small_element(place.from) << (lane * k_bits);
  }
  result.units[uint(to) / k_lanes] = word;
}

void scattered_element(uint i) {
  Place place = place_of(i);
  uint at = uint(place.to);
  uint shift = (at % k_lanes) * k_bits;
  atomicAnd(result.units[at / k_lanes], ~(k_mask << shift));
  atomicOr(result.units[at / k_lanes], small_element(place.from) << shift);
}
#endif

void main() {
  uint i = invocation_index();
#ifndef UNITS_ARE_QUADS
  if (k_element_bytes < 4u) {
    if (k_scattered) {
      if (i < push.count) {
        scattered_element(i);
      }
    } else if (i * k_lanes < push.count) {
      packed_word(i);
    }
    return;
  }
  if (k_quad_store) {
    if (i * 4u < push.count) {
      uvec4 words;
      for (uint lane = 0u; lane < 4u; lane++) {
        Place place = place_of(min(i * 4u + lane, push.count - 1u));
        words[lane] = WORD(x, place.from);
      }
      result_quads.units[uint(push.to) / 4u + i] = words;
    }
    return;
  }
  if (i < push.count) {
    Place place = place_of(i);
    result.units[place.to] = WORD(x, place.from);
  }
#else
  if (i < push.count) {
    Place place = place_of(i);
    result.units[place.to] = QUAD(x, place.from);
  }
#endif
}
