// builds: storage texel
// Adds up what the chunks of a weight gradient made, always in the same order, so that equal inputs give equal bits.
// Index map: an invocation makes four neighboring elements; per addition it reads 4 bytes.
// Local size 64 or 256: no cooperation.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

const uint k_ahead = 8u;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"

INPUT4(0, partial)
OUTPUT4(1, result)

layout(push_constant) uniform Push {
  uint quads;
  uint chunks;
} push;

void main() {
  uint index = min(invocation_index(), push.quads - 1u);
  uint chunks = push.chunks + opaque_zero();
  vec4 sum = LOAD4(partial, index);
  uint chunk = 1u;
  // Many loads on their way at a time; the order of the additions stays.
  for (; chunk + k_ahead <= chunks; chunk += k_ahead) {
    vec4 next[k_ahead];
    [[unroll]] for (uint i = 0u; i < k_ahead; i++) {
      next[i] = LOAD4(partial, (chunk + i) * push.quads + index);
    }
    [[unroll]] for (uint i = 0u; i < k_ahead; i++) {
      sum += next[i];
    }
  }
  for (; chunk < chunks; chunk++) {
    sum += LOAD4(partial, chunk * push.quads + index);
  }
  if (invocation_index() < push.quads) {
    STORE4(result, index, sum);
  }
}
