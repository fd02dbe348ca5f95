// builds: texel storage
// Gradients of offsets and mask from the gradient C of the columns (spec: layers.md sections 8.4 and 9), summed over the
// channels of a deformable group in a fixed order:
//   dy = sum C m [(1 - fx)(v10 - v00) + fx (v11 - v01)], dx = sum C m [(1 - fy)(v01 - v00) + fy (v11 - v10)],
//   dm = sum C sample.
// An invocation takes one output, one tap and one deformable group; lanes run along the outputs. Gradients of columns:
// [output of the chunk][group][tap][quad] vec4s. Per quad: five loads, and about 50 operations.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 2) const bool k_has_mask = false;
layout(constant_id = 3) const bool k_offset = true; // store the gradient of the offsets
layout(constant_id = 4) const bool k_mask = false; // store the gradient of the mask

layout(push_constant) uniform Push {
  uint columns; // outputs of this chunk, four to a run
  uint run_start;
  uint runs_per_image;
  uint outputs;
  uint out_w;
  uint height;
  uint width;
  uint taps;
  uint parts; // taps * deformable groups
  uint deformable_quads;
  uint group_quads;
  uint depth; // quads of all columns
  uint x_n;
  uint x_p;
  uint x_u;
  uint offset_n;
  uint offset_c;
  uint offset_p;
  uint mask_n;
  uint mask_c;
  uint mask_p;
  uint offset_start; // of the gradients in the result, in floats
  uint mask_start;
  uint kernel_w;
  int stride_h, stride_w;
  int padding_h, padding_w;
  int dilation_h, dilation_w;
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"
#include "sampler.glsl"

INPUT4(0, x)
INPUT1(1, offset)
INPUT1(2, mask)
INPUT4(3, columns)
OUTPUT4(4, result)

void main() {
  uint item = invocation_index();
  uint part = item / push.columns;
  bool live = part < push.parts;
  uint column = item - part * push.columns;
  part = min(part, push.parts - 1u);
  uint run = push.run_start + (column >> 2u);
  uint image = run / push.runs_per_image;
  uint place = (run - image * push.runs_per_image) * 4u + (column & 3u);
  live = live && place < push.outputs;
  place = min(place, push.outputs - 1u);
  uint tap = part % push.taps;
  uint deformable = part / push.taps;

  uint channel = deformable * push.taps + tap;
  uint row = place / push.out_w;
  vec2 origin = tap_origin(row, place - row * push.out_w, tap);
  uint offset_at = image * push.offset_n + 2u * channel * push.offset_c + place * push.offset_p;
  uint mask_at = image * push.mask_n + channel * push.mask_c + place * push.mask_p;
  float y = origin.x + LOAD1(offset, offset_at);
  float x = origin.y + LOAD1(offset, offset_at + push.offset_c);
  Cell cell = cell_at(y, x, int(push.height), int(push.width));
  uint first = deformable * push.deformable_quads;
  uint end = first + push.deformable_quads + opaque_zero();
  uint group = first / push.group_quads;
  uint quad = first - group * push.group_quads;
  uvec4 source = cell.at * push.x_p + (image * push.x_n + first * push.x_u);
  uint gradient = column * push.depth + (group * push.taps + tap) * push.group_quads + quad;

  vec4 sum_y = vec4(0.0);
  vec4 sum_x = vec4(0.0);
  vec4 sum_m = vec4(0.0);
  for (uint u = first; u < end; u++) {
    vec4 c = LOAD4(columns, gradient);
    vec4 v00 = LOAD4(x, source[0]);
    vec4 v01 = LOAD4(x, source[1]);
    vec4 v10 = LOAD4(x, source[2]);
    vec4 v11 = LOAD4(x, source[3]);
    sum_y += c * ((1.0 - cell.fx) * (v10 - v00) + cell.fx * (v11 - v01));
    sum_x += c * ((1.0 - cell.fy) * (v01 - v00) + cell.fy * (v11 - v10));
    if (k_mask) {
      sum_m += c * ((1.0 - cell.fy) * ((1.0 - cell.fx) * v00 + cell.fx * v01) +
        cell.fy * ((1.0 - cell.fx) * v10 + cell.fx * v11));
    }
    source += push.x_u;
    quad++;
    bool wrap = quad == push.group_quads;
    quad = wrap ? 0u : quad;
    gradient += wrap ? (push.taps - 1u) * push.group_quads + 1u : 1u;
  }
  if (live) {
    if (k_offset) {
      float m = k_has_mask ? LOAD1(mask, mask_at) : 1.0;
      STORE1(result, push.offset_start + offset_at, m * dot(sum_y, vec4(1.0)));
      STORE1(result, push.offset_start + offset_at + push.offset_c, m * dot(sum_x, vec4(1.0)));
    }
    if (k_mask) {
      STORE1(result, push.mask_start + mask_at, dot(sum_m, vec4(1.0)));
    }
  }
}
