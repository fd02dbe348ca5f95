// builds: texel storage
// Gradient of the data from the gradient C of the columns: adds C, times mask and bilinear weight, to the four neighbors
// of each sample (spec: layers.md section 8.4). For CPU devices, without atomics: one invocation owns one quad of channels
// of one image and walks all samples of the chunk in order, so the order of additions is fixed.
//
// Sums: [image][place, and one for what falls outside][quad] vec4s. Lanes run along quads. The first chunk of an image
// clears its sums before.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 2) const bool k_has_mask = false;

layout(push_constant) uniform Push {
  uint items; // images of the chunk * quads
  uint quads;
  uint clear; // places of an image to set to 0 before: all, or 0
  uint first_image;
  uint first_output;
  uint end_output;
  uint out_w;
  uint height;
  uint width;
  uint taps;
  uint deformable_quads;
  uint group_quads;
  uint column_n;
  uint column_p;
  uint column_k;
  uint offset_n;
  uint offset_c;
  uint offset_p;
  uint kernel_w;
  int stride_h, stride_w;
  int padding_h, padding_w;
  int dilation_h, dilation_w;
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"
#include "sampler.glsl"
#include "gradient.glsl"

INPUT1(0, offset)
INPUT1(1, mask)
COLUMNS(2)
#ifdef LOAD_TEXEL
layout(set = 0, binding = 3, rgba32f) coherent uniform imageBuffer sums_texel4;
#define READ_SUM(index) imageLoad(sums_texel4, int((index) & 0x07ffffffu))
#define WRITE_SUM(index, value) imageStore(sums_texel4, int((index) & 0x07ffffffu), value)
#else
layout(set = 0, binding = 3, std430) buffer sums_block { vec4 sums_data[]; };
#define READ_SUM(index) sums_data[index]
#define WRITE_SUM(index, value) sums_data[index] = (value)
#endif

void main() {
  uint item = invocation_index();
  if (item >= push.items) {
    return;
  }
  uint local_image = item / push.quads;
  uint u = item - local_image * push.quads;
  uint image = push.first_image + local_image;
  uint group = u / push.group_quads;
  uint deformable = u / push.deformable_quads;
  uint base = image * (push.height * push.width + 1u) * push.quads + u;
  uint zero = opaque_zero();
  for (uint i = 0u; i < push.clear + zero; i++) {
    WRITE_SUM(base + i * push.quads, vec4(0.0));
  }
  uint step_k = 4u * push.column_k;
  uint gradient = local_image * push.column_n +
    (group * push.taps * push.group_quads + u - group * push.group_quads) * step_k;
  for (uint place = push.first_output; place < push.end_output + zero; place++) {
    uint row = place / push.out_w;
    uint column = place - row * push.out_w;
    for (uint tap = 0u; tap < push.taps + zero; tap++) {
      vec2 origin = tap_origin(row, column, tap);
      uint channel = deformable * push.taps + tap;
      uint at = offset_index(image, channel, place);
      float y = origin.x + LOAD1(offset, at);
      float x = origin.y + LOAD1(offset, at + push.offset_c);
      Cell cell = cell_at(y, x, int(push.height), int(push.width));
      vec4 weights = cell_weights(cell);
      if (k_has_mask) {
        weights *= LOAD1(mask, mask_index(image, channel, place));
      }
      vec4 c = COLUMN_GRADIENT(gradient + tap * push.group_quads * step_k);
      // One after the other: neighbors may coincide.
      [[unroll]] for (uint i = 0u; i < 4u; i++) {
        uint to = base + cell.at[i] * push.quads;
        WRITE_SUM(to, READ_SUM(to) + weights[i] * c);
      }
    }
    gradient += push.column_p;
  }
}
