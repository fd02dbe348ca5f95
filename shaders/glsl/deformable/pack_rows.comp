// builds: texel storage
// Packs an image as the left operand of a product that sums over places: four consecutive places to a vec4, eight
// channels together, [group][channels / 8][run][8]. A run is four places of one image; zeros where places or channels end.
// Index map: invocation i makes vec4 i of the result, so lanes run along channels.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(push_constant) uniform Push {
  uint total;
  uint runs;
  uint runs_per_image;
  uint places;
  uint blocks; // of eight channels, in a group
  uint channels; // of a group
  uint from_n; // strides of x in floats
  uint from_c;
  uint from_p;
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"

INPUT1(0, x)
OUTPUT4(1, packed)

void main() {
  uint item = invocation_index();
  uint rest = min(item, push.total - 1u);
  uint lane = rest & 7u;
  rest >>= 3u;
  uint run = rest % push.runs;
  rest /= push.runs;
  uint block = rest % push.blocks;
  uint group = rest / push.blocks;
  uint image = run / push.runs_per_image;
  uint place = (run - image * push.runs_per_image) * 4u;
  uint channel = block * 8u + lane;
  uint start = image * push.from_n + (group * push.channels + channel) * push.from_c + place * push.from_p;
  vec4 value;
  [[unroll]] for (uint j = 0u; j < 4u; j++) {
    bool valid = channel < push.channels && place + j < push.places;
    float element = LOAD1(x, valid ? start + j * push.from_p : 0u);
    value[j] = valid ? element : 0.0;
  }
  if (item < push.total) {
    STORE4(packed, item, value);
  }
}
