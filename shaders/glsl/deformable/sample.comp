// builds: texel storage
// Samples the packed image at the deformed taps: the columns of the convolution as the right operand of a product.
//
// An invocation takes one run (four consecutive outputs of an image), one tap and one deformable group, or a part of its
// quads: coordinates and weights are computed once and serve all quads. Lanes run along the runs.
// Plain: panels of 32 outputs, [panel][group][tap][quad][32], four channels to a vec4: depth runs over channels.
// k_transposed: panels of 32 columns (8 quads), [group][panel][run][32], four outputs to a vec4: depth runs over outputs.
// Per vec4: four loads and 16 multiply-adds. Past the last output of an image samples are 0.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool k_transposed = false;
layout(constant_id = 2) const bool k_has_mask = false;

layout(push_constant) uniform Push {
  uint runs; // of this chunk
  uint run_start;
  uint runs_per_image;
  uint outputs; // of an image
  uint out_w;
  uint height; // of the input
  uint width;
  uint taps;
  uint splits; // parts of a deformable group's quads
  uint parts; // taps * deformable groups * splits
  uint deformable_quads;
  uint group_quads;
  uint depth; // quads of all columns; k_transposed: vec4s of a group
  uint x_n; // strides of the packed image in vec4s
  uint x_p;
  uint x_u;
  uint offset_n; // strides in floats
  uint offset_c;
  uint offset_p;
  uint mask_n;
  uint mask_c;
  uint mask_p;
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
OUTPUT4(3, columns)

void main() {
  uint item = invocation_index();
  uint part = item / push.runs;
  bool live = part < push.parts;
  part = min(part, push.parts - 1u);
  uint local_run = item - (item / push.runs) * push.runs;
  uint run = push.run_start + local_run;
  uint image = run / push.runs_per_image;
  uint first_output = (run - image * push.runs_per_image) * 4u;
  uint split = part % push.splits;
  part /= push.splits;
  uint tap = part % push.taps;
  uint deformable = part / push.taps;

  uint channel = deformable * push.taps + tap;
  uint at[16];
  float factor[16];
  [[unroll]] for (uint p = 0u; p < 4u; p++) {
    uint output_index = first_output + p;
    bool inside = output_index < push.outputs;
    uint place = inside ? output_index : 0u;
    uint row = place / push.out_w;
    vec2 origin = tap_origin(row, place - row * push.out_w, tap);
    uint source = image * push.offset_n + 2u * channel * push.offset_c + place * push.offset_p;
    float y = origin.x + LOAD1(offset, source);
    float x = origin.y + LOAD1(offset, source + push.offset_c);
    Cell cell = cell_at(y, x, int(push.height), int(push.width));
    vec4 weights = cell_weights(cell);
    if (k_has_mask) {
      weights *= LOAD1(mask, image * push.mask_n + channel * push.mask_c + place * push.mask_p);
    }
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
      uint there = inside ? cell.at[i] : push.height * push.width;
      at[p * 4u + i] = image * push.x_n + there * push.x_p;
      factor[p * 4u + i] = inside ? weights[i] : 0.0;
    }
  }

  uint share = (push.deformable_quads + push.splits - 1u) / push.splits;
  uint first = deformable * push.deformable_quads + split * share;
  uint end = min(first + share, (deformable + 1u) * push.deformable_quads) + opaque_zero();
  uint group = first / push.group_quads;
  uint quad = first - group * push.group_quads;
  uint source = first * push.x_u;
  for (uint u = first; u < end; u++) {
    vec4 value[4];
    [[unroll]] for (uint p = 0u; p < 4u; p++) {
      value[p] = factor[p * 4u] * LOAD4(x, at[p * 4u] + source);
      [[unroll]] for (uint i = 1u; i < 4u; i++) {
        value[p] += factor[p * 4u + i] * LOAD4(x, at[p * 4u + i] + source);
      }
    }
    if (live) {
      uint place = tap * push.group_quads + quad;
      if (k_transposed) {
        uint target = group * push.depth + ((place >> 3u) * push.runs + local_run) * 32u + (place & 7u) * 4u;
        [[unroll]] for (uint j = 0u; j < 4u; j++) {
          STORE4(columns, target + j, vec4(value[0][j], value[1][j], value[2][j], value[3][j]));
        }
      } else {
        place += group * push.taps * push.group_quads;
        uint target = ((local_run >> 3u) * push.depth + place) * 32u + (local_run & 7u) * 4u;
        [[unroll]] for (uint p = 0u; p < 4u; p++) {
          STORE4(columns, target + p, value[p]);
        }
      }
    }
    source += push.x_u;
    quad++;
    bool wrap = quad == push.group_quads;
    quad = wrap ? 0u : quad;
    group += wrap ? 1u : 0u;
  }
}
