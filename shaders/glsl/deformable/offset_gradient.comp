// builds: texel storage
// Gradients of offsets and mask from the gradient C of the columns (spec: layers.md sections 8.4 and 9), summed over the
// channels of a deformable group in a fixed order:
//   dy = sum C m [(1 - fx)(v10 - v00) + fx (v11 - v01)], dx = sum C m [(1 - fy)(v01 - v00) + fy (v11 - v10)],
//   dm = sum C sample.
// An invocation takes one output, one tap and one deformable group; lanes run along the outputs. Per quad: five loads of
// vectors, and about 50 operations. On GPUs k_lanes neighbors share the channels of a sample, so that they read what lies
// together, and the first of them adds up what they found.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 2) const bool k_has_mask = false;
layout(constant_id = 3) const bool k_offset = true; // store the gradient of the offsets
layout(constant_id = 4) const bool k_mask = false; // store the gradient of the mask

#ifdef LOAD_TEXEL
const uint k_lanes = 1u;
#else
layout(constant_id = 5) const uint k_lanes = 1u;
shared vec3 found[256]; // the largest local size
#endif

layout(push_constant) uniform Push {
  uint columns; // outputs of the chunk
  uint items_per_image; // of them
  uint first_image;
  uint first_output;
  uint out_w;
  uint height;
  uint width;
  uint taps;
  uint parts; // taps * deformable groups
  uint deformable_quads;
  uint group_quads;
  uint column_n; // strides of the gradients of columns in floats
  uint column_p;
  uint column_k;
  uint x_n;
  uint x_p;
  uint x_u;
  uint offset_n;
  uint offset_c;
  uint offset_p;
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
#include "gradient.glsl"

INPUT4(0, x)
INPUT1(1, offset)
INPUT1(2, mask)
COLUMNS(3)
OUTPUT4(4, result)

void main() {
  uint item = invocation_index() / k_lanes;
  uint lane = gl_LocalInvocationIndex % k_lanes;
  uint part = item / push.columns;
  bool live = part < push.parts;
  uint column = item - part * push.columns;
  part = min(part, push.parts - 1u);
  uint local_image = column / push.items_per_image;
  uint local_output = column - local_image * push.items_per_image;
  uint image = push.first_image + local_image;
  uint place = push.first_output + local_output;
  uint tap = part % push.taps;
  uint deformable = part / push.taps;

  uint channel = deformable * push.taps + tap;
  uint row = place / push.out_w;
  vec2 origin = tap_origin(row, place - row * push.out_w, tap);
  uint offset_at = offset_index(image, channel, place);
  uint mask_at = mask_index(image, channel, place);
  float y = origin.x + LOAD1(offset, offset_at);
  float x = origin.y + LOAD1(offset, offset_at + push.offset_c);
  Cell cell = cell_at(y, x, int(push.height), int(push.width));
  uint end = (deformable + 1u) * push.deformable_quads + opaque_zero();
  uint u = deformable * push.deformable_quads + lane;
  uvec4 source = cell.at * push.x_p + (image * push.x_n + u * push.x_u);
  uint step_k = 4u * push.column_k;
  uint first = local_image * push.column_n + local_output * push.column_p + tap * push.group_quads * step_k;
  // Channels of a group, all taps of them, then those of the next.
  uint skip = (push.taps - 1u) * push.group_quads;

  vec4 sum_y = vec4(0.0);
  vec4 sum_x = vec4(0.0);
  vec4 sum_m = vec4(0.0);
  for (; u < end; u += k_lanes) {
    vec4 c = COLUMN_GRADIENT(first + (u + u / push.group_quads * skip) * step_k);
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
    source += k_lanes * push.x_u;
  }
  vec3 sums = vec3(dot(sum_y, vec4(1.0)), dot(sum_x, vec4(1.0)), dot(sum_m, vec4(1.0)));
#ifndef LOAD_TEXEL
  if (k_lanes > 1u) {
    found[gl_LocalInvocationIndex] = sums;
    barrier();
    live = live && lane == 0u;
    if (live) {
      for (uint i = 1u; i < k_lanes; i++) {
        sums += found[gl_LocalInvocationIndex + i];
      }
    }
  }
#endif
  if (live) {
    if (k_offset) {
      float m = k_has_mask ? LOAD1(mask, mask_at) : 1.0;
      STORE1(result, push.offset_start + offset_at, m * sums.x);
      STORE1(result, push.offset_start + offset_at + push.offset_c, m * sums.y);
    }
    if (k_mask) {
      STORE1(result, push.mask_start + mask_at, sums.z);
    }
  }
}
