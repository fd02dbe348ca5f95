// Which samples have a neighbor at which place: for every cell of four neighbors a list of the samples that fall into it, so
// that gradients of the data can be gathered without atomics. Three steps, chosen by k_step:
//   0 of each sample, its cell; counts the samples of each cell, and keeps the rank that each sample got
//   1 of each cell, where its list begins
//   2 of each sample, its entry: where the gradients of its column begin, both fractions and the mask
// Ranks and places of lists differ from run to run; gather.comp adds up so that no order matters.
// Cells: [image of the chunk][deformable group][H + 1][W + 1], the first row and column for neighbors at -1. A sample is an
// output, a tap and a deformable group; lanes run along the outputs.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_step = 0u;
layout(constant_id = 2) const bool k_has_mask = false;

layout(push_constant) uniform Push {
  uint items; // samples, or cells
  uint columns; // outputs of the chunk
  uint items_per_image; // of them
  uint first_image;
  uint first_output;
  uint deformable_groups;
  uint out_w;
  uint height;
  uint width;
  uint taps;
  uint tap_floats; // from tap to tap of the gradients of columns
  uint column_n;
  uint column_p;
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

INPUT1(0, offset)
INPUT1(1, mask)
// One word more than cells: how long all lists are so far.
layout(set = 0, binding = 2, std430) buffer count_block { uint counts[]; };
layout(set = 0, binding = 3, std430) buffer start_block { uint starts[]; };
layout(set = 0, binding = 4, std430) buffer rank_block { uint ranks[]; };
layout(set = 0, binding = 5, std430) writeonly buffer entry_block { uvec4 entries[]; };

void main() {
  uint item = invocation_index();
  if (item >= push.items) {
    return;
  }
  if (k_step == 1u) {
    uint count = counts[item];
    starts[item] = count == 0u ? 0u : atomicAdd(counts[push.items], count);
    return;
  }
  uint part = item / push.columns;
  uint column = item - part * push.columns;
  uint local_image = column / push.items_per_image;
  uint local_output = column - local_image * push.items_per_image;
  uint image = push.first_image + local_image;
  uint place = push.first_output + local_output;
  uint deformable = part / push.taps;
  uint tap = part - deformable * push.taps;
  uint row = place / push.out_w;
  vec2 origin = tap_origin(row, place - row * push.out_w, tap);
  uint at = offset_index(image, part, place);
  Line y = line_at(origin.x + LOAD1(offset, at), int(push.height));
  Line x = line_at(origin.y + LOAD1(offset, at + push.offset_c), int(push.width));
  if (!y.inside || !x.inside) {
    return;
  }
  uint first_cell = (local_image * push.deformable_groups + deformable) * (push.height + 1u);
  // Within the image whatever the driver makes of NaN.
  uint cell_row = min(uint(y.low + 1), push.height);
  uint cell = (first_cell + cell_row) * (push.width + 1u) + min(uint(x.low + 1), push.width);
  if (k_step == 0u) {
    ranks[item] = atomicAdd(counts[cell], 1u);
    return;
  }
  float m = k_has_mask ? LOAD1(mask, mask_index(image, part, place)) : 1.0;
  uint gradient = local_image * push.column_n + local_output * push.column_p + tap * push.tap_floats;
  entries[starts[cell] + ranks[item]] =
    uvec4(gradient, floatBitsToUint(y.fraction), floatBitsToUint(x.fraction), floatBitsToUint(m));
}
