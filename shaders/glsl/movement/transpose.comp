// Copies a region whose innermost axis is another one in the source, word by word: transposes, changes of layout.
//
// Index map: a workgroup of 256 moves a tile of 32 words of each of both axes through shared memory (4 KiB), so that
// neighbors read neighbors along the source's innermost axis and write neighbors along the result's. Axis 0 of the tiles
// runs along the result, axis 1 along the source, the rest are single. Rows of 33 words keep columns apart in banks.
// 4 bytes read and 4 written for each element.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 1) const uint k_rank = 2u; // axes of the tiles, 2..7

#include "lib/divide.glsl"
#include "lib/grid.glsl"
#include "lib/words.glsl"

WORDS(0, x)
layout(set = 0, binding = 1) writeonly buffer Output { uint units[]; } result;

layout(push_constant) uniform Push {
  uint count; // tiles
  uint width; // words of the region along the result
  uint height; // and along the source
  uint size_0, size_1, size_2, size_3, size_4, size_5;
  uint multiplier_0, multiplier_1, multiplier_2, multiplier_3, multiplier_4, multiplier_5;
  uint shifts; // five bits for each axis
  int step_from; // of one word along the result
  int step_to; // of one word along the source
  int from, from_2, from_3, from_4, from_5, from_6;
  int to, to_2, to_3, to_4, to_5, to_6;
} push;

const uint k_side = 32u;
const uint k_rows = 8u;
shared uint tile[k_side * (k_side + 1u)];

uint rest;
int from;
int to;

uint step_axis(uint axis, uint size, uint multiplier, int step_from, int step_to) {
  if (axis >= k_rank) {
    return 0u;
  }
  uint coordinate = rest;
  if (axis + 1u < k_rank) {
    rest = divide(coordinate, multiplier, (push.shifts >> (axis * 5u)) & 31u);
    coordinate -= rest * size;
  }
  from += int(coordinate) * step_from;
  to += int(coordinate) * step_to;
  return coordinate;
}

void main() {
  // Where the fold of the grid overshoots, the last tile is made again: no invocation leaves before the barrier.
  rest = min(workgroup_index(), push.count - 1u);
  from = push.from;
  to = push.to;
  int side = int(k_side);
  uint left = step_axis(0u, push.size_0, push.multiplier_0, side * push.step_from, side) * k_side;
  uint top = step_axis(1u, push.size_1, push.multiplier_1, side, side * push.step_to) * k_side;
  step_axis(2u, push.size_2, push.multiplier_2, push.from_2, push.to_2);
  step_axis(3u, push.size_3, push.multiplier_3, push.from_3, push.to_3);
  step_axis(4u, push.size_4, push.multiplier_4, push.from_4, push.to_4);
  step_axis(5u, push.size_5, push.multiplier_5, push.from_5, push.to_5);
  step_axis(6u, 1u, 0u, push.from_6, push.to_6);
  uint lane = gl_LocalInvocationID.x % k_side;
  uint row = gl_LocalInvocationID.x / k_side;
  [[unroll]] for (uint r = 0u; r < k_side; r += k_rows) {
    uint along = row + r;
    if (left + along < push.width && top + lane < push.height) {
      tile[along * (k_side + 1u) + lane] = WORD(x, from + int(along) * push.step_from + int(lane));
    }
  }
  barrier();
  [[unroll]] for (uint r = 0u; r < k_side; r += k_rows) {
    uint along = row + r;
    if (left + lane < push.width && top + along < push.height) {
      result.units[to + int(lane) + int(along) * push.step_to] = tile[lane * (k_side + 1u) + along];
    }
  }
}
