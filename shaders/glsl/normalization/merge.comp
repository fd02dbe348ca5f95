// builds: plain running
// Joins the parts of statistics.comp: mean and inverse deviation of each statistic, by Chan's formula in a fixed order.
// The running build also moves the running mean and variance toward them: r = momentum * r + (1 - momentum) * new,
// with the variance of the batch itself (divided by its count).
// Index map: item i is one statistic; k_lanes > 1: the invocations of a workgroup share it.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(constant_id = 4) const uint k_lanes = 1u; // 1 or the local size, a power of two

#include "lib/divide.glsl"
#include "lib/grid.glsl"

layout(set = 0, binding = 0) readonly buffer Parts { float parts[]; };
layout(set = 0, binding = 1) writeonly buffer Mean { float means[]; };
layout(set = 0, binding = 2) writeonly buffer Deviation { float deviations[]; };
#ifdef BUILD_RUNNING
layout(set = 0, binding = 3) buffer RunningMean { float running_means[]; };
layout(set = 0, binding = 4) buffer RunningVariance { float running_variances[]; };
#endif

layout(push_constant) uniform Push {
  uint items;
  uint parts; // of the operand
  uint own_parts; // of one statistic
  uint elements;
  uint chunk;
  uint chunks;
  uint chunks_multiplier, chunks_shift;
  uint inner;
  uint inner_multiplier, inner_shift;
  uint outer_stride; // from the parts of one outer index to the next
  uint chunk_stride;
  float epsilon;
  float momentum;
  float rest; // 1 - momentum, rounded once
} push;

const uint k_slots = k_lanes > 1u ? k_lanes : 1u;
shared vec3 shared_parts[k_slots];

// Count, mean and squares of two sets together.
vec3 join(vec3 a, vec3 b) {
  float count = a.x + b.x;
  float share = count > 0.0 ? b.x / count : 0.0;
  float d = b.y - a.y;
  return vec3(count, a.y + d * share, a.z + b.z + d * d * (a.x * share));
}

void main() {
  uint i = k_lanes > 1u ? workgroup_index() : invocation_index();
  if (i >= push.items) {
    return;
  }
  uint lane = k_lanes > 1u ? gl_LocalInvocationID.x : 0u;
  uint outer = divide(i, push.inner_multiplier, push.inner_shift);
  uint base = outer * push.chunks * push.inner + (i - outer * push.inner);
  uint end = push.own_parts + opaque_zero();
  vec3 total = vec3(0.0);
  for (uint part = lane; part < end; part += k_lanes) {
    uint at = divide(part, push.chunks_multiplier, push.chunks_shift);
    uint c = part - at * push.chunks;
    uint index = base + at * push.outer_stride + c * push.chunk_stride;
    float count = float(min(push.chunk, push.elements - c * push.chunk));
    vec3 next = vec3(count, parts[index], parts[push.parts + index]);
    total = part == lane ? next : join(total, next);
  }
  if (k_lanes > 1u) {
    shared_parts[lane] = total;
    [[unroll]] for (uint half_lanes = k_lanes / 2u; half_lanes > 0u; half_lanes /= 2u) {
      barrier();
      if (lane < half_lanes) {
        total = join(total, shared_parts[lane + half_lanes]);
        shared_parts[lane] = total;
      }
    }
  }
  if (k_lanes > 1u && lane != 0u) {
    return;
  }
  float variance = total.z / total.x;
  means[i] = total.y;
  deviations[i] = 1.0 / sqrt(variance + push.epsilon);
#ifdef BUILD_RUNNING
  running_means[i] = push.momentum * running_means[i] + push.rest * total.y;
  running_variances[i] = push.momentum * running_variances[i] + push.rest * variance;
#endif
}
