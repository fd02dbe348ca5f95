// builds: texel
// Unpacks the gradient of the weight, [group][filter] rows of [tap][quad] vec4s, to floats in the order of the weight.
// Index map: invocation i makes elements 4i..4i+3, whose last words are padded to 16 bytes. k_channels_inner: channels
// are next to each other in the weight, else taps are.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool k_channels_inner = false;

layout(push_constant) uniform Push {
  uint total; // floats
  uint channels; // of a group
  uint taps;
  uint group_quads;
  uint row; // quads
  uint segment;
  uint segment_quads;
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"

INPUT1(0, packed)
OUTPUT4(1, result)

void main() {
  uint item = invocation_index();
  uint inner_size = k_channels_inner ? push.channels : push.taps;
  uint outer_size = k_channels_inner ? push.taps : push.channels;
  uint rest = min(item * 4u, push.total - 1u);
  uint inner = rest % inner_size;
  rest /= inner_size;
  uint outer = rest % outer_size;
  uint o = rest / outer_size;
  vec4 value;
  [[unroll]] for (uint j = 0u; j < 4u; j++) {
    uint channel = k_channels_inner ? inner : outer;
    uint tap = k_channels_inner ? outer : inner;
    uint part = channel / push.segment;
    uint quad = o * push.row + tap * push.group_quads + part * push.segment_quads;
    value[j] = LOAD1(packed, quad * 4u + channel - part * push.segment);
    // Past the last element the last one again.
    inner += item * 4u + j + 1u < push.total ? 1u : 0u;
    bool wrap = inner == inner_size;
    inner = wrap ? 0u : inner;
    outer += wrap ? 1u : 0u;
    wrap = outer == outer_size;
    outer = wrap ? 0u : outer;
    o += wrap ? 1u : 0u;
  }
  if (item * 4u < push.total) {
    STORE4(result, item, value);
  }
}
