// builds: texel storage
// Unpacks sums of image gradients, [image][place + 1][quad] vec4s, to floats of any layout; the inverse of
// pack_image.comp. Index map: invocation i makes elements 4i..4i+3 of the whole gradient, which lies without gaps, and
// whose last words are padded to 16 bytes. k_channels_inner: channels are next to each other, else places are.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool k_channels_inner = false;

layout(push_constant) uniform Push {
  uint total; // floats
  uint channels;
  uint places;
  uint quads;
  uint segment;
  uint segment_quads;
  uint to_start; // in floats, a multiple of four
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"

INPUT1(0, packed)
OUTPUT4(1, result)

void main() {
  uint item = invocation_index();
  uint inner_size = k_channels_inner ? push.channels : push.places;
  uint outer_size = k_channels_inner ? push.places : push.channels;
  uint rest = min(item * 4u, push.total - 1u);
  uint inner = rest % inner_size;
  rest /= inner_size;
  uint outer = rest % outer_size;
  uint image = rest / outer_size;
  vec4 value;
  [[unroll]] for (uint j = 0u; j < 4u; j++) {
    uint channel = k_channels_inner ? inner : outer;
    uint place = k_channels_inner ? outer : inner;
    uint part = channel / push.segment;
    uint at = (image * (push.places + 1u) + place) * push.quads + part * push.segment_quads;
    value[j] = LOAD1(packed, at * 4u + channel - part * push.segment);
    // Past the last element the last one again.
    inner += item * 4u + j + 1u < push.total ? 1u : 0u;
    bool wrap = inner == inner_size;
    inner = wrap ? 0u : inner;
    outer += wrap ? 1u : 0u;
    wrap = outer == outer_size;
    outer = wrap ? 0u : outer;
    image += wrap ? 1u : 0u;
  }
  if (item * 4u < push.total) {
    STORE4(result, push.to_start / 4u + item, value);
  }
}
