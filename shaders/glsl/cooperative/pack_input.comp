// Lays an image tensor out with its channels in a row, those of each group padded to octets: what convolution.comp reads 16
// bytes at a time.
// Index map: an invocation makes one octet, eight channels of one pixel; neighbors have neighboring pixels, so that both
// channel-first reads and the writes of a subgroup lie close. Per octet it reads and writes 16 bytes.
// Local size: no cooperation.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require

layout(local_size_x_id = 0) in;

#include "lib/divide.glsl"
#include "lib/grid.glsl"

layout(set = 0, binding = 0) readonly buffer Input { uint16_t values[]; } source;
layout(set = 0, binding = 1) writeonly buffer Output { uvec4 octets[]; } result;

layout(push_constant) uniform Push {
  uint count; // octets
  uint group_octets, row_octets; // of one group, of one pixel
  uint group_channels;
  uint pixels, in_h, in_w;
  uint pixels_multiplier, row_multiplier, in_h_multiplier, in_w_multiplier, group_multiplier;
  uint shifts; // five bits each, in that order
  uint input_n, input_c, input_d, input_h, input_w; // strides in elements
} push;

void main() {
  uint index = invocation_index();
  if (index >= push.count) {
    return;
  }
  // [n][octet of the row][pixel]
  uint rest = divide(index, push.pixels_multiplier, push.shifts & 31u);
  uint pixel = index - rest * push.pixels;
  uint n = divide(rest, push.row_multiplier, (push.shifts >> 5) & 31u);
  uint octet = rest - n * push.row_octets;
  uint row = divide(pixel, push.in_w_multiplier, (push.shifts >> 15) & 31u);
  uint d = divide(row, push.in_h_multiplier, (push.shifts >> 10) & 31u);
  uint group = divide(octet, push.group_multiplier, (push.shifts >> 20) & 31u);
  uint channel = (octet - group * push.group_octets) * 8u;
  uint at = n * push.input_n + (group * push.group_channels + channel) * push.input_c +
    d * push.input_d + (row - d * push.in_h) * push.input_h + (pixel - row * push.in_w) * push.input_w;
  uvec4 y = uvec4(0u);
  [[unroll]] for (uint i = 0u; i < 8u; i++) {
    bool inside = channel + i < push.group_channels;
    uint x = uint(source.values[inside ? at + i * push.input_c : at]);
    y[i / 2u] |= inside ? x << (i % 2u * 16u) : 0u;
  }
  result.octets[(n * push.pixels + pixel) * push.row_octets + octet] = y;
}
