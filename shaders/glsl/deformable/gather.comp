// Gradient of the data from the gradient C of the columns on GPUs: adds C, times mask and bilinear weight, of all samples of
// which a place is a neighbor; gather_index.comp listed them (spec: layers.md section 8.4).
//
// The order of a list differs from run to run, the sum does not: of n terms below 2^e, with n at most 2^l, each is cut into
// a multiple of 2^(e + l - 23), a multiple of 2^(e + 2 l - 47), and a rest that is dropped. Sums of either kind are exact in
// float32. What is dropped of all is below 2^(e + 3 l - 48), for 64 terms 2^-30 of the largest.
// An invocation takes a place and a quad of channels; lanes run along quads, which read neighbors and share the list.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
// Whether the result is the gradient itself, or sums of vec4s [image][place + 1][quad], and whether it adds to them.
layout(constant_id = 1) const bool k_direct = true;
layout(constant_id = 2) const bool k_first = true;

layout(push_constant) uniform Push {
  uint items; // places of all images of the chunk * quads
  uint quads;
  uint places; // of an image
  uint width;
  uint cells; // of a deformable group
  uint first_image;
  uint deformable_groups;
  uint deformable_quads;
  uint group_quads;
  uint group_floats; // from group to group of the gradients of columns
  uint column_k;
  uint segment;
  uint segment_quads;
  uint to_start; // strides of the result in floats
  uint to_n;
  uint to_c;
  uint to_p;
  uint gap_start; // floats that no gradient fills
  uint gap;
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"
#include "gradient.glsl"

COLUMNS(0)
layout(set = 0, binding = 1, std430) readonly buffer count_block { uint counts[]; };
layout(set = 0, binding = 2, std430) readonly buffer start_block { uint starts[]; };
layout(set = 0, binding = 3, std430) readonly buffer entry_block { uvec4 entries[]; };
layout(set = 0, binding = 4, std430) buffer result_block { float result[]; };
layout(set = 0, binding = 4, std430) buffer sums_block { vec4 sums[]; };

vec4 term(uint index, uint i, uint first_column) {
  uvec4 entry = entries[index];
  float fy = uintBitsToFloat(entry.y);
  float fx = uintBitsToFloat(entry.z);
  float weight = ((i & 2u) == 0u ? 1.0 - fy : fy) * ((i & 1u) == 0u ? 1.0 - fx : fx) * uintBitsToFloat(entry.w);
  precise vec4 product = weight * COLUMN_GRADIENT(first_column + entry.x);
  return product;
}

const float k_shrink = 1.0 / 18446744073709551616.0; // 2^-64

// 2^exponent, 0 below the normal numbers.
vec4 power(ivec4 exponent) {
  return uintBitsToFloat(uvec4(max(exponent + 127, 0)) << 23u);
}

void main() {
  uint item = invocation_index();
  if (item == 0u && k_direct) {
    for (uint i = 0u; i < push.gap; i++) {
      result[push.gap_start + i] = 0.0;
    }
  }
  if (item >= push.items) {
    return;
  }
  uint u = item % push.quads;
  uint rest = item / push.quads;
  uint local_image = rest / push.places;
  uint place = rest - local_image * push.places;
  uint row = place / push.width;
  uint column = place - row * push.width;
  uint group = u / push.group_quads;
  uint first_column = group * push.group_floats + (u - group * push.group_quads) * 4u * push.column_k;
  uint first_cell = (local_image * push.deformable_groups + u / push.deformable_quads) * push.cells;

  uint begin[4];
  uint end[4];
  uint count = 0u;
  [[unroll]] for (uint i = 0u; i < 4u; i++) {
    uint cell = first_cell + (row + 1u - (i >> 1u)) * (push.width + 1u) + column + 1u - (i & 1u);
    begin[i] = starts[cell];
    end[i] = begin[i] + counts[cell];
    count += counts[cell];
  }
  uvec4 largest = uvec4(0u);
  for (uint i = 0u; i < 4u; i++) {
    for (uint index = begin[i]; index < end[i]; index++) {
      largest = max(largest, floatBitsToUint(term(index, i, first_column)) & 0x7fffffffu);
    }
  }
  int l = findMSB(max(count, 2u) - 1u) + 1;
  // Anchors of the largest numbers would overflow.
  bvec4 huge = greaterThanEqual(largest, uvec4(uint(253 - l) << 23u));
  vec4 scale = mix(vec4(1.0), vec4(k_shrink), huge);
  ivec4 coarse = ivec4(largest >> 23u) - 126 + l - 23 - ivec4(huge) * 64;
  // Halfway between powers of two, so that terms of either sign keep the unit of the last place.
  vec4 coarse_anchor = 1.5 * power(coarse + 23);
  vec4 fine_anchor = 1.5 * power(coarse + l - 1);
  vec4 high = vec4(0.0);
  vec4 low = vec4(0.0);
  for (uint i = 0u; i < 4u; i++) {
    for (uint index = begin[i]; index < end[i]; index++) {
      vec4 value = scale * term(index, i, first_column);
      precise vec4 moved = value + coarse_anchor;
      precise vec4 multiple = moved - coarse_anchor;
      precise vec4 remainder = value - multiple;
      precise vec4 moved_remainder = remainder + fine_anchor;
      precise vec4 fine = moved_remainder - fine_anchor;
      high += multiple;
      low += fine;
    }
  }
  vec4 sum = (high + low) / scale;
  if (k_direct) {
    uint part = u / push.segment_quads;
    uint within = (u - part * push.segment_quads) * 4u;
    uint to = push.to_start + (push.first_image + local_image) * push.to_n + place * push.to_p +
      (part * push.segment + within) * push.to_c;
    [[unroll]] for (uint j = 0u; j < 4u; j++) {
      if (within + j < push.segment) {
        result[to + j * push.to_c] = sum[j];
      }
    }
  } else {
    uint to = ((push.first_image + local_image) * (push.places + 1u) + place) * push.quads + u;
    sums[to] = k_first ? sum : sums[to] + sum;
  }
}
