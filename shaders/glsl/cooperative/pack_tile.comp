// Lays an image tensor out as pack_input.comp does, through shared memory: for tensors whose pixels lie in a row and whose
// channels do not, so that both sides are read and written in runs.
// Index map: a workgroup makes 64 pixels of one image times 8 octets of channels. Its invocations read pairs of pixels of one
// channel (k_wide: four pairs, 16 bytes at once), and write the octets of pairs of pixels, neighbors neighboring octets.
// Local size 256. Per workgroup it reads and writes 8 KB.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require

layout(local_size_x = 256) in;

// Whether eight pixels are a whole vector in memory.
layout(constant_id = 1) const bool k_wide = false;

#include "lib/divide.glsl"
#include "lib/grid.glsl"

layout(set = 0, binding = 0) readonly buffer Input { uint16_t values[]; } source;
layout(set = 0, binding = 0) readonly buffer InputOctets { uvec4 octets[]; } source_octets;
layout(set = 0, binding = 1) writeonly buffer Output { uvec4 octets[]; } result;

layout(push_constant) uniform Push {
  uint workgroups;
  uint tiles_pixels, tiles_octets;
  uint group_octets, row_octets; // of one group, of one pixel
  uint group_channels;
  uint pixels, in_h, in_w;
  uint in_h_multiplier, in_w_multiplier, group_multiplier;
  uint shifts; // five bits each, in that order
  uint input_n, input_c, input_d, input_h, input_w; // strides in elements
} push;

const uint k_row = 33u; // pairs of pixels; one more than needed spreads the banks

shared uint tile[64u * k_row]; // [channel][pair]

// Offset of a channel of the row, counted by octets of all groups; false beyond the last of its group.
bool channel_offset(uint row_channel, out uint at) {
  uint octet = row_channel / 8u;
  uint group = divide(octet, push.group_multiplier, (push.shifts >> 10) & 31u);
  uint channel = row_channel - group * push.group_octets * 8u;
  at = (group * push.group_channels + channel) * push.input_c;
  return octet < push.row_octets && channel < push.group_channels;
}

uint pixel_offset(uint pixel) {
  uint row = divide(pixel, push.in_w_multiplier, (push.shifts >> 5) & 31u);
  uint d = divide(row, push.in_h_multiplier, push.shifts & 31u);
  return d * push.input_d + (row - d * push.in_h) * push.input_h + (pixel - row * push.in_w) * push.input_w;
}

void main() {
  if (workgroup_index() >= push.workgroups) {
    return; // the whole workgroup: no barrier is left waiting
  }
  uint rest = workgroup_index();
  uint pixel_first = rest % push.tiles_pixels * 64u;
  rest /= push.tiles_pixels;
  uint octet_first = rest % push.tiles_octets * 8u;
  uint n = rest / push.tiles_octets;
  uint thread = gl_LocalInvocationIndex;

  if (k_wide) {
    [[unroll]] for (uint i = 0u; i < 2u; i++) {
      uint unit = thread + i * 256u;
      uint pixel = pixel_first + unit % 8u * 8u;
      uint at;
      bool inside = channel_offset(octet_first * 8u + unit / 8u, at) && pixel < push.pixels;
      uvec4 x = source_octets.octets[inside ? (n * push.input_n + at + pixel) >> 3 : 0u];
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        tile[unit / 8u * k_row + unit % 8u * 4u + j] = inside ? x[j] : 0u;
      }
    }
  } else {
    uint pixel = pixel_first + thread % 32u * 2u;
    uint even = pixel_offset(min(pixel, push.pixels - 1u));
    uint odd = pixel_offset(min(pixel + 1u, push.pixels - 1u));
    [[unroll]] for (uint i = 0u; i < 8u; i++) {
      uint channel = thread / 32u + i * 8u;
      uint at;
      bool inside = channel_offset(octet_first * 8u + channel, at);
      at = inside ? n * push.input_n + at : 0u;
      uint pair = uint(source.values[at + even]) | (uint(source.values[at + odd]) << 16);
      tile[channel * k_row + thread % 32u] = inside ? pair : 0u;
    }
  }
  barrier();
  uint octet = octet_first + thread % 8u;
  uint pixel = pixel_first + thread / 8u * 2u;
  uvec4 even = uvec4(0u);
  uvec4 odd = uvec4(0u);
  [[unroll]] for (uint i = 0u; i < 4u; i++) {
    uint low = tile[(thread % 8u * 8u + 2u * i) * k_row + thread / 8u];
    uint high = tile[(thread % 8u * 8u + 2u * i + 1u) * k_row + thread / 8u];
    even[i] = (low & 0xffffu) | (high << 16);
    odd[i] = (low >> 16) | (high & 0xffff0000u);
  }
  if (octet < push.row_octets) {
    uint to = (n * push.pixels + pixel) * push.row_octets + octet;
    if (pixel < push.pixels) {
      result.octets[to] = even;
    }
    if (pixel + 1u < push.pixels) {
      result.octets[to + push.row_octets] = odd;
    }
  }
}
