// Which statistic and which parameter belong to an element of x: a row's mean for every element of the row, a
// channel's scale for every element of the channel. The kernel's push block holds MAPS.
//
//   statistic = (element / divisor % modulus) * inner + element % inner;  parameter = element / divisor % modulus
//
// Operands of statistics and parameters are declared with QUADS, so that neighbors can be read together.
#ifndef VKNN_MAPS_GLSL
#define VKNN_MAPS_GLSL

#include "lib/divide.glsl"
#include "lib/words.glsl"

#define MAPS \
  uint stat_multiplier, stat_modulus, stat_modulus_multiplier, stat_inner, stat_inner_multiplier; \
  uint stat_shifts; /* five bits each for divisor, modulus, inner */ \
  uint parameter_multiplier, parameter_modulus, parameter_modulus_multiplier; \
  uint parameter_shifts; /* five bits each for divisor, modulus */

// Whether statistics lie along a run of neighbors (layer normalization of an axis that is not the last).
layout(constant_id = 20) const bool k_stat_inner = false;

#define STAT_INDEX(e) stat_index_of(e, push.stat_multiplier, push.stat_modulus, push.stat_modulus_multiplier, \
  push.stat_inner, push.stat_inner_multiplier, push.stat_shifts)
#define PARAMETER_INDEX(e) parameter_index_of(e, push.parameter_multiplier, push.parameter_modulus, \
  push.parameter_modulus_multiplier, push.parameter_shifts)

uint parameter_index_of(uint e, uint multiplier, uint modulus, uint modulus_multiplier, uint shifts) {
  uint quotient = divide(e, multiplier, shifts & 31u);
  return quotient - divide(quotient, modulus_multiplier, (shifts >> 5) & 31u) * modulus;
}

uint stat_index_of(uint e, uint multiplier, uint modulus, uint modulus_multiplier, uint inner, uint inner_multiplier,
    uint shifts) {
  uint index = parameter_index_of(e, multiplier, modulus, modulus_multiplier, shifts);
  if (k_stat_inner) {
    index = index * inner + (e - divide(e, inner_multiplier, (shifts >> 10) & 31u) * inner);
  }
  return index;
}

// How the four elements of a quad find their statistic or parameter.
const uint k_shared = 0u; // one for all
const uint k_neighbors = 1u; // four that lie together, aligned
const uint k_single = 2u; // each its own

#define ELEMENT(name, at) uintBitsToFloat(QUAD(name, (at) >> 2)[(at) & 3u])
#define GATHER(name, kind, at) ((kind) == k_shared ? vec4(ELEMENT(name, (at).x)) \
  : (kind) == k_neighbors ? uintBitsToFloat(QUAD(name, (at).x >> 2)) \
  : vec4(ELEMENT(name, (at).x), ELEMENT(name, (at).y), ELEMENT(name, (at).z), ELEMENT(name, (at).w)))

#endif
