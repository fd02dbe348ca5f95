// builds: storage texel
// Leaky rectifier with a slope for each channel, x > 0 ? z : slope * z: with z = x the function itself, with z the head
// its gradient by x. Index map: invocation i makes elements 4i..4i+3 of float32; the channel of element e is
// e / inner % channels. 4 to 8 bytes read per 4 written.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const bool k_gradient = false;
// Whether the elements of a quad share a channel.
layout(constant_id = 4) const bool k_shared = false;

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/words.glsl"

QUADS(0, z)
QUADS(1, x)
WORDS(2, slope)
layout(set = 0, binding = 3) writeonly buffer Output { vec4 quads[]; } result;

layout(push_constant) uniform Push {
  uint quad_count;
  uint inner_multiplier, inner_shift;
  uint channels;
  uint channels_multiplier, channels_shift;
} push;

float slope_of(uint e) {
  uint row = divide(e, push.inner_multiplier, push.inner_shift);
  uint channel = row - divide(row, push.channels_multiplier, push.channels_shift) * push.channels;
  return uintBitsToFloat(WORD(slope, channel));
}

void main() {
  uint i = invocation_index();
  if (i >= push.quad_count) {
    return;
  }
  uint e = 4u * i;
  vec4 slopes = vec4(slope_of(e));
  if (!k_shared) {
    slopes.yzw = vec3(slope_of(e + 1u), slope_of(e + 2u), slope_of(e + 3u));
  }
  vec4 zs = uintBitsToFloat(QUAD(z, i));
  vec4 xs = k_gradient ? uintBitsToFloat(QUAD(x, i)) : zs;
  result.quads[i] = vec4(xs.x > 0.0 ? zs.x : slopes.x * zs.x, xs.y > 0.0 ? zs.y : slopes.y * zs.y,
    xs.z > 0.0 ? zs.z : slopes.z * zs.z, xs.w > 0.0 ? zs.w : slopes.w * zs.w);
}
