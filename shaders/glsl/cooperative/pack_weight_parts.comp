// The float32 weight as convolution.comp reads it: as pack_weight.comp, in two parts of float16 (parts.glsl). The channels of a
// tap come three times, to meet both parts of the input and the first again: the first part twice, then the rest.
// Octet 0 tells the magnitude and stays.
// Index map: an invocation makes one octet. Local size: no cooperation. Per octet it reads 32 bytes and writes 16.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout(local_size_x_id = 0) in;

#include "lib/grid.glsl"
#include "parts.glsl"

layout(set = 0, binding = 0) readonly buffer Weight { float values[]; } weight;
layout(set = 0, binding = 1) buffer Output { uvec4 octets[]; } result;

layout(push_constant) uniform Push {
  uint count; // octets
  uint tile_m, step_octets; // filters of a tile, octets of a step
  uint tiles_m, steps;
  uint group_filters, group_channels;
  uint tap_octets, channel_octets;
  uint kernel_h, kernel_w;
  uint weight_n, weight_c, weight_d, weight_h, weight_w; // strides in elements
} push;

#include "pack_parts.glsl"

void main() {
  uint index = invocation_index();
  if (index >= push.count) {
    return;
  }
  uint rest = index;
  uint octet = rest % push.step_octets;
  rest /= push.step_octets;
  uint row = rest % push.tile_m;
  rest /= push.tile_m;
  octet += rest % push.steps * push.step_octets;
  rest /= push.steps;
  uint own_filter = rest % push.tiles_m * push.tile_m + row;
  uint group = rest / push.tiles_m;
  uint tap = octet / push.channel_octets;
  uint part_octets = push.channel_octets / 3u;
  octet -= tap * push.channel_octets;
  uint channel = octet % part_octets * 8u;
  bool inside = tap * push.channel_octets + octet < push.tap_octets && own_filter < push.group_filters;
  uint at = (group * push.group_filters + own_filter) * push.weight_n + channel * push.weight_c +
    tap / (push.kernel_h * push.kernel_w) * push.weight_d +
    tap / push.kernel_w % push.kernel_h * push.weight_h + tap % push.kernel_w * push.weight_w;
  float x[8];
  [[unroll]] for (uint i = 0u; i < 8u; i++) {
    bool here = inside && channel + i < push.group_channels;
    float value = weight.values[here ? at + i * push.weight_c : 0u];
    x[i] = here ? value : 0.0;
  }
  uvec4 first;
  uvec4 second;
  split_octet(x, result.octets[0].x, first, second);
  result.octets[1u + index] = octet < 2u * part_octets ? first : second;
}
