// builds: storage texel
// Sets elements to 0 by chance and scales the others. The chances are the words of a stream of src/core/random.ts: block
// i of Philox 4x32-10 (Salmon et al. 2011) decides on elements 4i..4i+3, with equal bits on every device.
// Index map: invocation i makes elements 4i..4i+3 of float32; 4 bytes read per 4 written.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const bool k_ones = false; // x counts as 1: the result is the mask

#include "lib/grid.glsl"
#include "lib/words.glsl"

QUADS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { vec4 quads[]; } result;

layout(push_constant) uniform Push {
  uint quad_count;
  uint threshold; // a word's upper 24 bits below this keep the element
  float scale;
  uint key0, key1;
  uint stream0, stream1;
} push;

uvec4 philox(uvec4 c, uint key0, uint key1) {
  [[unroll]] for (int round = 0; round < 10; round++) {
    uint high0, low0, high1, low1;
    umulExtended(0xd2511f53u, c.x, high0, low0);
    umulExtended(0xcd9e8d57u, c.z, high1, low1);
    c = uvec4(high1 ^ c.y ^ key0, low1, high0 ^ c.w ^ key1, low0);
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
  return c;
}

void main() {
  uint i = invocation_index();
  if (i >= push.quad_count) {
    return;
  }
  uvec4 words = philox(uvec4(i, 0u, push.stream0, push.stream1), push.key0, push.key1) >> 8;
  vec4 scaled = (k_ones ? vec4(1.0) : uintBitsToFloat(QUAD(x, i))) * push.scale;
  result.quads[i] = vec4(words.x < push.threshold ? scaled.x : 0.0, words.y < push.threshold ? scaled.y : 0.0,
    words.z < push.threshold ? scaled.z : 0.0, words.w < push.threshold ? scaled.w : 0.0);
}
