// builds: texel
// Matrix product of long sums on a CPU device, for drivers that inline texel loads (Mesa 22): rows x depth of a packed left
// operand times depth x places of planes. The scheme of convolution/cpu_pointwise.comp: eight places of 4 * k_quads planes
// lie on the stack, in the first-level cache, while a loop runs over the rows; the sums of a row never leave registers.
//
// What differs: long sums take many passes, in each of which a loop over rows that lie far apart would wait for memory at
// every row. So the left operand comes as [group][pass][row][4 * k_quads], with zeros behind its depth: one stream. The
// result holds the sums between passes; it may hold some before the first one.
//
// The 8 lanes of a subgroup take 8 runs of eight places, counted over (image, run). Grid: x = blocks of rows of all groups, y = ceil(runs / 8).
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
// Planes of a pass in fours, a multiple of 4.
layout(constant_id = 1) const uint k_quads = 4u;
layout(constant_id = 2) const bool k_accumulate = false;

layout(push_constant) uniform Push {
  uint depth; // of a group
  uint passes;
  uint rows; // of a group
  uint block_rows; // of a workgroup
  uint blocks; // of a group
  uint runs;
  uint together; // runs of an invocation
  uint runs_per_image;
  uint x_n; // steps in vec4s
  uint x_g;
  uint x_k;
  uint y_n;
  uint y_g;
  uint y_m;
} push;

#define STORE_PAIRS
#define STORE_OCTETS
#include "lib/cpu_load.glsl"
#include "lib/cpu_broadcast.glsl"
#include "lib/epilogue.glsl"
#include "lib/grid.glsl"

INPUT4(0, x)
INPUT4(1, left)
INPUT1(2, bias)
OUTPUT4(3, y)
// The result once more. Not known as float16: sums between passes must not be rounded.
layout(set = 0, binding = 4, rgba32f) uniform imageBuffer y_old_texel4;

const uint k_planes = k_quads * 4u;

// Texels out of range are zero.
const uint NOWHERE = 0x07ffffffu;

void main() {
  uint zero = opaque_zero();
  uint lane = gl_SubgroupInvocationID;
  uint passes = push.passes + zero;
  uint depth = push.depth + zero;
  uint group = gl_WorkGroupID.x / push.blocks;
  uint first_row = (gl_WorkGroupID.x - group * push.blocks) * push.block_rows;
  uint end_row = min(first_row + push.block_rows, push.rows);
  uint first_run = gl_WorkGroupID.y * push.together * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  uint rounds = passes * push.together;

  for (uint round = 0u; round < rounds; round++) {
    uint pass = round / push.together;
    uint run = first_run + (round - pass * push.together) * gl_WorkGroupSize.x;
    uint safe_run = min(run, push.runs - 1u);
    uint image = safe_run / push.runs_per_image;
    uint place = (safe_run - image * push.runs_per_image) * 2u;
    uint x_base = image * push.x_n + group * push.x_g + place;
    uint first_plane = pass * k_planes;
    vec4 x[k_planes * 2u];
    [[unroll]] for (uint k = 0u; k < k_planes; k++) {
      uint at = x_base + (first_plane + k) * push.x_k;
      bool inside = first_plane + k < depth;
      x[k * 2u] = LOAD4(x, inside ? at : NOWHERE);
      x[k * 2u + 1u] = LOAD4(x, inside ? at + 1u : NOWHERE);
    }
    uint left_index = ((group * push.passes + pass) * push.rows + first_row) * k_quads + lane;
    uint target = image * push.y_n + group * push.y_g + first_row * push.y_m + place;
    bool starts = pass == 0u && !k_accumulate;
    bool last = pass + 1u == passes;
    for (uint row = first_row; row < end_row + zero; row++) {
      // Reading what is there brings the cache lines that are written into the cache.
      vec4 old[2];
      old[0] = imageLoad(y_old_texel4, int(target & NOWHERE));
      old[1] = imageLoad(y_old_texel4, int((target + 1u) & NOWHERE));
      float sums[8];
      [[unroll]] for (uint p = 0u; p < 8u; p++) {
        sums[p] = starts ? 0.0 : old[p / 4u][p % 4u];
      }
      [[unroll]] for (uint q = 0u; q < k_quads; q += 8u) {
        vec4 w = LOAD4(left, left_index + q);
        [[unroll]] for (uint h = 0u; h < 8u; h += 4u) {
          if (q + h < k_quads) {
            vec4 half_w = duplicate_half(w, zero + h);
            [[unroll]] for (uint t = 0u; t < 16u; t++) {
              float factor = broadcast_half(half_w[t & 3u], t >> 2u);
              uint k = (q + h) * 4u + t;
              [[unroll]] for (uint p = 0u; p < 8u; p++) {
                sums[p] = sums[p] + factor * x[k * 2u + p / 4u][p % 4u];
              }
            }
          }
        }
      }
      vec4 result[2];
      float bias = k_has_bias ? LOAD1(bias, group * push.rows + row) : 0.0;
      [[unroll]] for (uint p = 0u; p < 8u; p++) {
        float value = epilogue_value(sums[p], bias, 0.0);
        result[p / 4u][p % 4u] = last ? value : sums[p];
      }
      if (run < push.runs) {
        STORE8(y, target / 2u, result[0], result[1]);
      }
      left_index += k_quads;
      target += push.y_m;
    }
  }
}
