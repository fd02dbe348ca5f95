// Where a sample lies: four neighbors and the two fractions. Spec: layers.md sections 8.3 and 9.
//
// k_fade false, v1: nothing unless 0 <= y < H and 0 <= x < W; in the last cell both neighbors are the last element.
// k_fade true, v2: nothing unless -1 < y < H and -1 < x < W; neighbors outside the image are 0.
// What is nothing points at place H * W, where the packed image holds zeros. A NaN coordinate is outside.
//
// Specialization constant 10 belongs to this file, and the last seven words of the push block, which the kernel declares
// before it includes this file. They are no constants: a driver that compiles for seconds compiles once.
#ifndef VKNN_DEFORMABLE_SAMPLER_GLSL
#define VKNN_DEFORMABLE_SAMPLER_GLSL

layout(constant_id = 10) const bool k_fade = false;

struct Cell {
  uvec4 at; // places of (y0, x0), (y0, x1), (y1, x0), (y1, x1)
  float fy;
  float fx;
};

// One axis: the two neighbors, -1 for none, and the fraction.
struct Line {
  int low;
  int high;
  float fraction;
  bool inside;
};

Line line_at(float y, int size) {
  Line line;
  // NaN is recognized by its bits: drivers may assume that no float is NaN.
  bool number = (floatBitsToUint(y) & 0x7fffffffu) <= 0x7f800000u;
  line.inside = number && (k_fade ? y > -1.0 : y >= 0.0) && y < float(size);
  float cell = floor(line.inside ? y : 0.0);
  line.low = int(cell);
  line.high = line.low + 1;
  line.fraction = line.inside ? y - cell : 0.0;
  if (!k_fade) {
    bool last = line.low >= size - 1;
    line.low = last ? size - 1 : line.low;
    line.high = last ? size - 1 : line.high;
    line.fraction = last ? 0.0 : line.fraction;
  }
  return line;
}

Cell cell_at(float y, float x, int height, int width) {
  Line row = line_at(y, height);
  Line column = line_at(x, width);
  bool inside = row.inside && column.inside;
  uint zero = uint(height * width);
  uint rows[2] = uint[2](uint(row.low), uint(row.high));
  uint columns[2] = uint[2](uint(column.low), uint(column.high));
  Cell cell;
  for (uint i = 0u; i < 4u; i++) {
    // Unsigned, so that -1 is past the end; this keeps every place within the image whatever the driver makes of NaN.
    bool valid = inside && rows[i >> 1u] < uint(height) && columns[i & 1u] < uint(width);
    cell.at[i] = valid ? rows[i >> 1u] * uint(width) + columns[i & 1u] : zero;
  }
  cell.fy = row.fraction;
  cell.fx = column.fraction;
  return cell;
}

// Weights of the four neighbors.
vec4 cell_weights(Cell cell) {
  float gy = 1.0 - cell.fy;
  float gx = 1.0 - cell.fx;
  return vec4(gy * gx, gy * cell.fx, cell.fy * gx, cell.fy * cell.fx);
}

// Where the vertical offset of a sample lies; the horizontal one is offset_c further. The mask has half as many channels.
uint offset_index(uint image, uint channel, uint place) {
  return image * push.offset_n + 2u * channel * push.offset_c + place * push.offset_p;
}

uint mask_index(uint image, uint channel, uint place) {
  return image * (push.offset_n / 2u) + channel * push.offset_c + place * max(push.offset_p / 2u, 1u);
}

// Place of a tap before its offset is added.
vec2 tap_origin(uint row, uint column, uint tap) {
  uint i = tap / push.kernel_w;
  uint j = tap - i * push.kernel_w;
  return vec2(
    float(int(row) * push.stride_h - push.padding_h + int(i) * push.dilation_h),
    float(int(column) * push.stride_w - push.padding_w + int(j) * push.dilation_w));
}

#endif
