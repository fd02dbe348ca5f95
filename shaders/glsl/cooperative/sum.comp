// The end of a cooperative matrix product whose taps were split over workgroups: adds up the parts of each result, always
// in the same order, so that equal inputs give equal bits; then bias, residual, activation, and its place.
// Index map: an invocation makes one result; neighbors have neighboring columns (pixels of all images in a row).
// Local size: no cooperation. Per addition it reads 4 bytes.
// builds: half float
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout(local_size_x_id = 0) in;

#ifdef BUILD_FLOAT
#define VALUE float
#else
#define VALUE float16_t
#endif

#include "lib/divide.glsl"
#include "lib/epilogue.glsl"
#include "lib/grid.glsl"

layout(set = 0, binding = 0) readonly buffer Partial { float values[]; } partial;
layout(set = 0, binding = 1) readonly buffer Bias { VALUE values[]; } bias;
layout(set = 0, binding = 2) readonly buffer Residual { VALUE values[]; } residual;
layout(set = 0, binding = 3) writeonly buffer Output { VALUE values[]; } result;

layout(push_constant) uniform Push {
  uint count; // results
  uint splits, part; // elements of one part
  uint columns, row; // elements of a row of a part
  uint group_filters, group_rows; // rows of a group in a part
  uint pixels, out_h, out_w;
  uint columns_multiplier, pixels_multiplier, out_h_multiplier, out_w_multiplier, filters_multiplier;
  uint shifts; // five bits each, in that order
  uint output_n, output_c, output_d, output_h, output_w;
} push;

void main() {
  uint index = invocation_index();
  if (index >= push.count) {
    return;
  }
  uint channel = divide(index, push.columns_multiplier, push.shifts & 31u);
  uint column = index - channel * push.columns;
  uint group = divide(channel, push.filters_multiplier, (push.shifts >> 20) & 31u);
  uint from = (group * push.group_rows + channel - group * push.group_filters) * push.row + column;
  uint splits = push.splits + opaque_zero();
  float sum = partial.values[from];
  for (uint split = 1u; split < splits; split++) {
    sum += partial.values[split * push.part + from];
  }
  uint n = divide(column, push.pixels_multiplier, (push.shifts >> 5) & 31u);
  uint pixel = column - n * push.pixels;
  uint row = divide(pixel, push.out_w_multiplier, (push.shifts >> 15) & 31u);
  uint d = divide(row, push.out_h_multiplier, (push.shifts >> 10) & 31u);
  uint at = n * push.output_n +
    epilogue_offset(channel, d, row - d * push.out_h, pixel - row * push.out_w,
      push.output_c, push.output_d, push.output_h, push.output_w);
  float b = 0.0;
  if (k_has_bias) {
    b = float(bias.values[channel]);
  }
  float r = 0.0;
  if (k_has_residual) {
    r = float(residual.values[at]);
  }
  result.values[at] = VALUE(epilogue_value(sum, b, r));
}
