// Lays a float32 image tensor out with its channels in a row, in two parts of float16 (parts.glsl): for each group the octets of
// the first part, then those of the rest. Octet 0 tells the magnitude and stays.
// Index map: an invocation makes the two octets of eight channels of one pixel; neighbors have neighboring pixels.
// Local size: no cooperation. It reads 32 bytes and writes 32.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout(local_size_x_id = 0) in;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "parts.glsl"

layout(set = 0, binding = 0) readonly buffer Input { float values[]; } source;
layout(set = 0, binding = 1) buffer Output { uvec4 octets[]; } result;

layout(push_constant) uniform Push {
  uint count; // pairs of octets
  uint group_octets, row_octets; // of one part of one group, and of all groups
  uint group_channels;
  uint pixels, in_h, in_w;
  uint pixels_multiplier, row_multiplier, in_h_multiplier, in_w_multiplier, group_multiplier;
  uint shifts; // five bits each, in that order
  uint input_n, input_c, input_d, input_h, input_w; // strides in elements
} push;

#include "pack_parts.glsl"

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
  octet -= group * push.group_octets;
  uint at = n * push.input_n + (group * push.group_channels + octet * 8u) * push.input_c +
    d * push.input_d + (row - d * push.in_h) * push.input_h + (pixel - row * push.in_w) * push.input_w;
  float x[8];
  [[unroll]] for (uint i = 0u; i < 8u; i++) {
    bool inside = octet * 8u + i < push.group_channels;
    float value = source.values[inside ? at + i * push.input_c : at];
    x[i] = inside ? value : 0.0;
  }
  uvec4 first;
  uvec4 second;
  split_octet(x, result.octets[0].x, first, second);
  uint to = 1u + ((n * push.pixels + pixel) * push.row_octets + group * push.group_octets) * 2u + octet;
  result.octets[to] = first;
  result.octets[to + push.group_octets] = second;
}
