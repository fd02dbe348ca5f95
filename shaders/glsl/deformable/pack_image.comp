// builds: texel storage
// Packs an image of any layout four channels to a vec4, so that one load brings four channels of a place.
//
// Channels come in segments of `segment` (one group of the convolution, one deformable group), each padded with zeros to
// whole quads. Items: columns (places of all images) x blocks of quads. An image has `columns_per_image` columns: its
// places, and zeros behind them. Quad u of column c goes to c * to_c + u * to_u.
// No arithmetic; the loop over quads shares the divisions.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(push_constant) uniform Push {
  uint columns;
  uint columns_per_image;
  uint places; // of an image
  uint blocks; // of quads
  uint quads_per_block;
  uint quads;
  uint segment; // channels
  uint segment_quads;
  uint from_n; // strides of x in floats
  uint from_c;
  uint from_p;
  uint to_c; // strides of the result in vec4s
  uint to_u;
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"

INPUT1(0, x)
OUTPUT4(1, packed)

void main() {
  uint item = invocation_index();
  uint block = item / push.columns;
  uint column = item - block * push.columns;
  bool live = block < push.blocks;
  uint image = column / push.columns_per_image;
  uint place = column - image * push.columns_per_image;
  bool inside = place < push.places && live;
  uint base = image * push.from_n + place * push.from_p;
  uint first = block * push.quads_per_block;
  uint end = min(first + push.quads_per_block, push.quads) + opaque_zero();
  uint part = first / push.segment_quads;
  uint channel = (first - part * push.segment_quads) * 4u;
  for (uint u = first; u < end; u++) {
    uint start = base + (part * push.segment + channel) * push.from_c;
    vec4 value;
    [[unroll]] for (uint j = 0u; j < 4u; j++) {
      bool valid = inside && channel + j < push.segment;
      float element = LOAD1(x, valid ? start + j * push.from_c : 0u);
      value[j] = valid ? element : 0.0;
    }
    if (live) {
      STORE4(packed, column * push.to_c + u * push.to_u, value);
    }
    channel += 4u;
    bool wrap = channel >= push.segment;
    channel = wrap ? 0u : channel;
    part += wrap ? 1u : 0u;
  }
}
