// builds: storage texel
// Adds up what the chunks of a weight gradient made, always in the same order, so that equal inputs give equal bits.
// Index map: k_lanes invocations of a workgroup make four neighboring elements: each adds up a run of chunks, and the first
// adds up the runs. Neighbors have neighboring elements; per addition an invocation reads 4 bytes.
// Local size 64 or 256, a multiple of k_lanes; no cooperation with one lane.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const uint k_lanes = 1u;
layout(constant_id = 4) const uint k_columns = 64u; // quads of a workgroup: the local size / k_lanes
layout(constant_id = 5) const uint k_taps = 1u; // more: partial weights go [filter][tap][channel], the result [filter][channel][tap]

const uint k_ahead = 8u;

#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/grid.glsl"

INPUT4(0, partial)
OUTPUT4(1, result)

layout(push_constant) uniform Push {
  uint quads;
  uint chunks;
  uint channels, channels_multiplier, channels_shift; // of a group, a multiple of 4
} push;

const uint k_shared = k_lanes > 1u ? k_lanes * k_columns : 1u;

shared vec4 runs[k_shared];

void main() {
  uint local = gl_LocalInvocationID.x;
  uint lane = local / k_columns;
  uint own = workgroup_index() * k_columns + local % k_columns;
  uint index = min(own, push.quads - 1u);
  uint length = (push.chunks + k_lanes - 1u) / k_lanes;
  uint chunk = lane * length;
  uint chunks = min(chunk + length, push.chunks) + opaque_zero();
  vec4 sum = vec4(0.0);
  if (k_lanes == 1u || chunk < chunks) {
    sum = LOAD4(partial, chunk * push.quads + index);
    chunk++;
  }
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
  if (k_lanes > 1u) {
    runs[local] = sum;
    barrier();
    for (uint i = 1u; i < k_lanes; i++) {
      sum += runs[(i * k_columns + local) % k_shared];
    }
  }
  if (lane == 0u && own < push.quads) {
    if (k_taps == 1u) {
      STORE4(result, index, sum);
      return;
    }
    uint rest = divide(index * 4u, push.channels_multiplier, push.channels_shift);
    uint channel = rest / k_taps * push.channels + index * 4u - rest * push.channels;
    [[unroll]] for (uint j = 0u; j < 4u; j++) {
      STORE1(result, (channel + j) * k_taps + rest % k_taps, sum[j]);
    }
  }
}
