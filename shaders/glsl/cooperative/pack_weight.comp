// The weight as convolution.comp reads it: [group][tile of filters][step][filter][tap], taps by octets of channels, kernel
// position by kernel position; zeros where there is no filter, tap or channel.
// Index map: an invocation makes one octet. Local size: no cooperation. Per octet it reads and writes 16 bytes.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require

layout(local_size_x_id = 0) in;

#include "lib/grid.glsl"

layout(set = 0, binding = 0) readonly buffer Weight { uint16_t values[]; } weight;
layout(set = 0, binding = 1) writeonly buffer Output { uvec4 octets[]; } result;

layout(push_constant) uniform Push {
  uint count; // octets
  uint tile_m, step_octets; // filters of a tile, octets of a step
  uint tiles_m, steps;
  uint group_filters, group_channels;
  uint tap_octets, channel_octets;
  uint kernel_h, kernel_w;
  uint weight_n, weight_c, weight_d, weight_h, weight_w; // strides in elements
} push;

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
  uint channel = (octet - tap * push.channel_octets) * 8u;
  bool inside = octet < push.tap_octets && own_filter < push.group_filters;
  uint at = (group * push.group_filters + own_filter) * push.weight_n + channel * push.weight_c +
    tap / (push.kernel_h * push.kernel_w) * push.weight_d +
    tap / push.kernel_w % push.kernel_h * push.weight_h + tap % push.kernel_w * push.weight_w;
  uvec4 y = uvec4(0u);
  [[unroll]] for (uint i = 0u; i < 8u; i++) {
    bool here = inside && channel + i < push.group_channels;
    uint x = uint(weight.values[here ? at + i * push.weight_c : 0u]);
    y[i / 2u] |= here ? x << (i % 2u * 16u) : 0u;
  }
  result.octets[index] = y;
}
