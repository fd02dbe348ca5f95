// builds: texel storage
// Packs a weight as the left operand of a product, eight rows together: [group][rows / 8][depth / 4][8] vec4s, zeros
// where rows or depth end. Channels come in segments, each padded to whole quads; a "place" is (tap, quad of channels).
// Plain: rows are filters, the depth runs over places, four channels to a vec4. k_transposed: rows are (place, channel),
// the depth runs over filters, four to a vec4.
// Index map: invocation i makes vec4 i of the result.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool k_transposed = false;

layout(push_constant) uniform Push {
  uint total;
  uint blocks; // of eight rows, in a group
  uint depth; // quads
  uint filters; // of a group
  uint places; // taps * group_quads
  uint group_quads;
  uint segment;
  uint segment_quads;
  uint from_o; // strides of the weight in floats
  uint from_c;
  uint from_t;
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"

INPUT1(0, weight)
OUTPUT4(1, packed)

void main() {
  uint item = invocation_index();
  uint rest = min(item, push.total - 1u);
  uint lane = rest & 7u;
  rest >>= 3u;
  uint deep = rest % push.depth;
  rest /= push.depth;
  uint row = (rest % push.blocks) * 8u + lane;
  uint group = rest / push.blocks;

  uint place = k_transposed ? row >> 2u : deep;
  uint tap = place / push.group_quads;
  uint quad = place - tap * push.group_quads;
  uint part = quad / push.segment_quads;
  uint within = (quad - part * push.segment_quads) * 4u + (k_transposed ? row & 3u : 0u);
  uint filter_index = k_transposed ? deep * 4u : row;
  bool exists = place < push.places;
  uint start = (group * push.filters + filter_index) * push.from_o +
    (part * push.segment + within) * push.from_c + tap * push.from_t;
  uint step_j = k_transposed ? push.from_o : push.from_c;
  vec4 value;
  [[unroll]] for (uint j = 0u; j < 4u; j++) {
    uint o = filter_index + (k_transposed ? j : 0u);
    uint c = within + (k_transposed ? 0u : j);
    bool valid = exists && o < push.filters && c < push.segment;
    float element = LOAD1(weight, valid ? start + j * step_j : 0u);
    value[j] = valid ? element : 0.0;
  }
  if (item < push.total) {
    STORE4(packed, item, value);
  }
}
