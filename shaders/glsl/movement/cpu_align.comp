// builds: storage texel
// Copies rows of any length to rows of whole vec4s, filled up with zeros, on a CPU device: kernels that read four neighbors at
// once then need no other way to read.
//
// Index map: invocation i makes vec4 i of the result out of the two of the source in which its words lie; rows of the source
// follow each other without gaps.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;

#define STORE_PAIRS
#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/grid.glsl"

INPUT4(0, x)
OUTPUT4(1, result)

layout(push_constant) uniform Push {
  uint count; // vec4s of the result
  uint width; // words of a row of the source
  uint quads; // vec4s of a row of the result, with multiplier and shift to divide by them
  uint multiplier;
  uint shift;
  uint last; // the last vec4 of the source
} push;

void main() {
  uint i = invocation_index();
  if (i >= push.count) {
    return;
  }
  uint row = divide(i, push.multiplier, push.shift);
  uint column = (i - row * push.quads) * 4u;
  uint start = row * push.width + column;
  uint from = start >> 2u;
  vec4 low = LOAD4(x, from);
  vec4 high = LOAD4(x, min(from + 1u, push.last));
  // Two steps of a shifter: by two words, then by one.
  bool two = (start & 2u) != 0u;
  bool one = (start & 1u) != 0u;
  float words[5];
  words[0] = two ? low.z : low.x;
  words[1] = two ? low.w : low.y;
  words[2] = two ? high.x : low.z;
  words[3] = two ? high.y : low.w;
  words[4] = two ? high.z : high.x;
  vec4 value;
  [[unroll]] for (uint k = 0u; k < 4u; k++) {
    value[k] = column + k < push.width ? (one ? words[k + 1u] : words[k]) : 0.0;
  }
  STORE4(result, i, value);
}
