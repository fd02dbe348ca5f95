// The largest finite magnitude of a tensor, as bits, which are ordered as the numbers are: word 0 of the result, which is 0
// before. The order of comparing does not matter, so equal inputs give equal bits.
// Index map: an invocation compares every k-th quad, k being all invocations of the grid; a workgroup joins its own in shared
// memory and the result takes one atomic operation of each.
// Local size 256. It reads each number once.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;

#include "lib/grid.glsl"

layout(set = 0, binding = 0) readonly buffer Input { uint bits[]; } source;
layout(set = 0, binding = 1) buffer Output { uint words[]; } result;

layout(push_constant) uniform Push {
  uint count;
  uint invocations;
} push;

shared uint largest;

void main() {
  if (gl_LocalInvocationIndex == 0u) {
    largest = 0u;
  }
  barrier();
  uint own = 0u;
  for (uint at = invocation_index(); at < push.count; at += push.invocations) {
    uint magnitude = source.bits[at] & 0x7fffffffu;
    own = max(own, magnitude < 0x7f800000u ? magnitude : 0u);
  }
  atomicMax(largest, own);
  barrier();
  if (gl_LocalInvocationIndex == 0u) {
    atomicMax(result.words[0], largest);
  }
}
