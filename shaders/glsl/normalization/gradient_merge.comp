// Joins the parts of gradient_sums.comp in a fixed order. Result: [2][items], heads and then products.
// Index map: item i is one sum of each kind; k_lanes > 1: the invocations of a workgroup share it.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(constant_id = 4) const uint k_lanes = 1u; // 1 or the local size, a power of two

#include "lib/divide.glsl"
#include "lib/grid.glsl"

layout(set = 0, binding = 0) readonly buffer Parts { float parts[]; };
layout(set = 0, binding = 1) writeonly buffer Output { float sums[]; };

layout(push_constant) uniform Push {
  uint items;
  uint parts; // of the operand
  uint own_parts; // of one sum
  uint chunks;
  uint chunks_multiplier, chunks_shift;
  uint inner;
  uint inner_multiplier, inner_shift;
  uint outer_stride; // from the parts of one outer index to the next
  uint chunk_stride;
} push;

const uint k_slots = k_lanes > 1u ? k_lanes : 1u;
shared vec2 shared_sums[k_slots];

void main() {
  uint i = k_lanes > 1u ? workgroup_index() : invocation_index();
  if (i >= push.items) {
    return;
  }
  uint lane = k_lanes > 1u ? gl_LocalInvocationID.x : 0u;
  uint outer = divide(i, push.inner_multiplier, push.inner_shift);
  uint base = outer * push.chunks * push.inner + (i - outer * push.inner);
  uint end = push.own_parts + opaque_zero();
  vec2 total = vec2(0.0);
  for (uint part = lane; part < end; part += k_lanes) {
    uint at = divide(part, push.chunks_multiplier, push.chunks_shift);
    uint index = base + at * push.outer_stride + (part - at * push.chunks) * push.chunk_stride;
    total += vec2(parts[index], parts[push.parts + index]);
  }
  if (k_lanes > 1u) {
    shared_sums[lane] = total;
    [[unroll]] for (uint half_lanes = k_lanes / 2u; half_lanes > 0u; half_lanes /= 2u) {
      barrier();
      if (lane < half_lanes) {
        total += shared_sums[lane + half_lanes];
        shared_sums[lane] = total;
      }
    }
  }
  if (k_lanes == 1u || lane == 0u) {
    sums[i] = total.x;
    sums[push.items + i] = total.y;
  }
}
