// builds: texel storage
// Samples the packed image at the deformed taps: the columns of the convolution, as the input of a 1x1 convolution.
//
// An invocation takes k_places consecutive outputs of an image, one tap and one deformable group, or a part of its quads:
// coordinates and weights are computed once and serve all quads. Lanes run along the outputs.
// Columns are planes, [image][channel and tap][output]; the planes of a channel and a tap lie where the weight has them, so
// that it needs no packing. k_rows: [image][output][group][tap][quad of channels]. Per vec4 of an output: four loads and 16 multiply-adds. Past the last output of the chunk samples are 0.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef LOAD_TEXEL
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#define STORE_PAIRS
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_places = 4u; // 1 or 4
layout(constant_id = 2) const bool k_has_mask = false;
layout(constant_id = 3) const bool k_rows = false;
// Whether every quad has four channels.
layout(constant_id = 4) const bool k_whole = false;

layout(push_constant) uniform Push {
  uint items; // images of the chunk * outputs of a plane / k_places
  uint items_per_image;
  uint first_image;
  uint first_output;
  uint end_output;
  uint out_w;
  uint height; // of the input
  uint width;
  uint taps;
  uint splits; // parts of a deformable group's quads
  uint parts; // taps * deformable groups * splits
  uint deformable_quads;
  uint segment; // channels
  uint segment_quads;
  uint group_channels;
  uint column_n; // strides of the columns in floats
  uint column_g;
  uint column_c; // k_rows: from output to output
  uint column_t;
  uint x_n; // strides of the packed image in vec4s
  uint x_p;
  uint x_u;
  uint offset_n; // strides in floats
  uint offset_c;
  uint offset_p;
  uint kernel_w;
  int stride_h, stride_w;
  int padding_h, padding_w;
  int dilation_h, dilation_w;
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"
#include "lib/cpu_touch.glsl"
#include "sampler.glsl"

INPUT4(0, x)
INPUT1(1, offset)
INPUT1(2, mask)
OUTPUT4(3, columns)
TOUCHABLE(4, columns_old)

void main() {
  uint item = invocation_index();
  uint part = item / push.items;
  bool live = part < push.parts;
  part = min(part, push.parts - 1u);
  uint local = item - (item / push.items) * push.items;
  uint local_image = local / push.items_per_image;
  uint image = push.first_image + local_image;
  uint local_output = (local - local_image * push.items_per_image) * k_places;
  uint split = part % push.splits;
  part /= push.splits;
  uint tap = part % push.taps;
  uint deformable = part / push.taps;

  uint channel = deformable * push.taps + tap;
  uint at[4u * k_places];
  float factor[4u * k_places];
  [[unroll]] for (uint p = 0u; p < k_places; p++) {
    uint output_index = push.first_output + local_output + p;
    bool inside = output_index < push.end_output;
    uint place = inside ? output_index : 0u;
    uint row = place / push.out_w;
    vec2 origin = tap_origin(row, place - row * push.out_w, tap);
    uint source = offset_index(image, channel, place);
    float y = origin.x + LOAD1(offset, source);
    float x = origin.y + LOAD1(offset, source + push.offset_c);
    Cell cell = cell_at(y, x, int(push.height), int(push.width));
    vec4 weights = cell_weights(cell);
    if (k_has_mask) {
      weights *= LOAD1(mask, mask_index(image, channel, place));
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
  uint source = first * push.x_u;
  uint part_index = first / push.segment_quads; // of the parts of segments
  uint within = (first - part_index * push.segment_quads) * 4u;
  uint first_channel = part_index * push.segment;
  uint group = first_channel / push.group_channels;
  uint in_group = first_channel - group * push.group_channels;
  uint quad = first - group * (push.group_channels / push.segment * push.segment_quads);
  uint base = local_image * push.column_n + tap * push.column_t + (k_rows ? local_output * push.column_c : local_output);
  uint lane = gl_LocalInvocationIndex & 7u;
  for (uint u = first; u < end; u++) {
    if (!k_rows) {
      // Eight neighbors store to two cache lines of each of four planes: one load brings all of them.
      uint target = base + group * push.column_g + (in_group + within + (lane >> 1u)) * push.column_c;
      TOUCH(columns_old, (target - lane * 4u + (lane & 1u) * 16u) >> 2u);
    }
    vec4 value[k_places];
    [[unroll]] for (uint p = 0u; p < k_places; p++) {
      value[p] = factor[p * 4u] * LOAD4(x, at[p * 4u] + source);
      [[unroll]] for (uint i = 1u; i < 4u; i++) {
        value[p] += factor[p * 4u + i] * LOAD4(x, at[p * 4u + i] + source);
      }
    }
    if (k_rows) {
      uint target = (base + group * push.column_g) / 4u + quad;
      [[unroll]] for (uint p = 0u; p < k_places; p++) {
        if (live) {
          STORE4(columns, target + p * (push.column_c / 4u), value[p]);
        }
      }
    } else {
      uint target = base + group * push.column_g + (in_group + within) * push.column_c;
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        if (live && (k_whole || within + j < push.segment)) {
          if (k_places == 4u) {
            vec4 places = vec4(value[0][j], value[1 % k_places][j], value[2 % k_places][j], value[3 % k_places][j]);
            STORE4(columns, target >> 2u, places);
          } else {
            STORE1(columns, target, value[0][j]);
          }
        }
        target += push.column_c;
      }
    }
    source += push.x_u;
    within += 4u;
    bool wrap = within >= push.segment;
    within = wrap ? 0u : within;
    in_group += wrap ? push.segment : 0u;
    wrap = in_group == push.group_channels;
    in_group = wrap ? 0u : in_group;
    quad = wrap ? 0u : quad + 1u;
    group += wrap ? 1u : 0u;
  }
  TOUCHED(columns)
}
