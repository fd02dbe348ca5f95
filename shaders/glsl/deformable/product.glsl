// What both matrix products share: operands, push block, and where results go.
//
// Columns are runs of four; a run belongs to one image and knows its first output there. Row m of a group and output p
// of an image lie at result_start + image * result_image + group * result_group + m * result_m + p * result_n.
#ifndef VKNN_DEFORMABLE_PRODUCT_GLSL
#define VKNN_DEFORMABLE_PRODUCT_GLSL

// 0 single floats, 1 vec4s along the columns, 2 vec4s along the rows
layout(constant_id = 2) const uint k_store = 0u;
// Add to what is there instead of replacing it.
layout(constant_id = 3) const bool k_accumulate = false;

layout(push_constant) uniform Push {
  uint workgroups;
  uint slabs; // workgroups along the columns
  uint blocks; // workgroups along the rows of a group
  uint depth; // quads
  uint rows; // of a group
  uint runs; // of this chunk
  uint run_start;
  uint runs_per_image;
  uint outputs; // columns of an image that exist
  uint left_start; // places in vec4s
  uint left_block; // eight rows
  uint left_group;
  uint right_start;
  uint right_panel;
  uint right_group;
  uint result_image; // steps in floats
  uint result_group;
  uint result_m;
  uint result_n;
} push;

#include "lib/cpu_load.glsl"
#include "lib/epilogue.glsl"
#include "lib/grid.glsl"

INPUT4(0, left)
INPUT4(1, right)
INPUT1(2, bias)
// Always float32: it may be added to, and stores of single halves, 32 in a row, would take half a minute to compile.
layout(set = 0, binding = 3, std430) buffer result_block { float result_data[]; };
layout(set = 0, binding = 3, std430) buffer result_quad_block { vec4 result_quads[]; };

struct Target {
  uint at; // row 0
  uint first; // output
  uint bias;
};

Target target_of(uint run, uint group) {
  uint global_run = push.run_start + run;
  uint image = global_run / push.runs_per_image;
  uint first = (global_run - image * push.runs_per_image) * 4u;
  uint at = image * push.result_image + group * push.result_group + first * push.result_n;
  return Target(at, first, group * push.rows);
}

float finished(float sum, uint row, uint bias_start, uint at) {
  float bias = k_has_bias ? LOAD1(bias, bias_start + row) : 0.0;
  float value = epilogue_value(sum, bias, 0.0);
  return k_accumulate ? result_data[at] + value : value;
}

// Eight rows of four columns, [row][column].
void store_rows(Target target, uint first_row, float sums[32]) {
  if (k_store == 2u) {
    for (uint m = 0u; m < 8u; m += 4u) {
      uint row = first_row + m;
      if (row < push.rows) {
        for (uint p = 0u; p < 4u; p++) {
          if (target.first + p < push.outputs) {
            uint at = target.at + row + p * push.result_n;
            vec4 value;
            for (uint j = 0u; j < 4u; j++) {
              value[j] = finished(sums[(m + j) * 4u + p], row + j, target.bias, at + j);
            }
            result_quads[at >> 2u] = value;
          }
        }
      }
    }
    return;
  }
  for (uint m = 0u; m < 8u; m++) {
    uint row = first_row + m;
    if (row < push.rows) {
      uint at = target.at + row * push.result_m;
      if (k_store == 1u) {
        vec4 value;
        for (uint p = 0u; p < 4u; p++) {
          value[p] = finished(sums[m * 4u + p], row, target.bias, at + p);
        }
        result_quads[at >> 2u] = value;
      } else {
        for (uint p = 0u; p < 4u; p++) {
          if (target.first + p < push.outputs) {
            uint place = at + p * push.result_n;
            result_data[place] = finished(sums[m * 4u + p], row, target.bias, place);
          }
        }
      }
    }
  }
}

#endif
