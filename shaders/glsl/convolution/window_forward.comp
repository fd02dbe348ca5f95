// shorts: plain
// Convolution of few filters a group (depthwise, grouped, the last layer of an image network) for GPUs: the products of
// a window that slides down are made from registers.
// Index map: an invocation makes k_filters consecutive channels of k_outputs pixels one below the other; neighbors make
// neighboring columns, or neighboring channels where those are innermost (k_channel_last). Of each row under its windows
// it reads each tap once, and each weight once for all of them: per column of taps k_kernel_h * k_filters weights and
// about k_outputs + k_kernel_h - 1 values for k_outputs * k_kernel_h * k_filters multiply-adds.
// Where that leaves the device idle and there are many channels, neighboring channels are shared out (k_split): each part
// goes out alone, as [split][filter][column], and igemm_sum.comp adds them up and finishes them.
// The weight comes as [group][block of filters][channel][kd][kh][kw][k_filters, padded to k_padded].
// Local size: no cooperation.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef STORE_SHORTS
#extension GL_EXT_shader_16bit_storage : require
#endif
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const uint k_filters = 1u;
layout(constant_id = 4) const uint k_padded = 1u; // 1, 2 or a multiple of 4
layout(constant_id = 5) const uint k_outputs = 1u;
layout(constant_id = 6) const bool k_channel_last = false;
layout(constant_id = 7) const uint k_unroll = 1u; // columns of taps written out one after another; divides k_kernel_w
layout(constant_id = 8) const uint k_kernel_d = 1u;
layout(constant_id = 9) const uint k_kernel_h = 1u;
layout(constant_id = 10) const uint k_kernel_w = 1u;
layout(constant_id = 11) const uint k_stride_d = 1u;
layout(constant_id = 12) const uint k_stride_h = 1u;
layout(constant_id = 13) const uint k_stride_w = 1u;
layout(constant_id = 14) const uint k_padding_d = 0u;
layout(constant_id = 15) const uint k_padding_h = 0u;
layout(constant_id = 16) const uint k_padding_w = 0u;
layout(constant_id = 17) const uint k_dilation_d = 1u;
layout(constant_id = 18) const uint k_dilation_h = 1u;
layout(constant_id = 19) const uint k_dilation_w = 1u;
layout(constant_id = 20) const bool k_split = false; // whether the result is a part of the sums, without epilogue

#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/epilogue.glsl"
#include "lib/grid.glsl"

INPUT1(0, x)
INPUT14(1, 1, weight)
INPUT1(2, bias)
INPUT1(3, residual)
OUTPUT4(4, y)

layout(push_constant) uniform Push {
  uint count; // invocations with work
  uint out_w, blocks, out_d, tiles, groups; // columns, invocations below each other, planes, and those for the filters of a group
  uint out_w_multiplier, blocks_multiplier, out_d_multiplier, tiles_multiplier, groups_multiplier;
  uint shifts; // five bits each, in that order
  uint out_h;
  uint in_d, in_h, in_w;
  uint group_channels, group_filters;
  uint input_n, input_c, input_d, input_h, input_w; // strides in elements
  uint output_n, output_c, output_d, output_h, output_w;
  uint splits, splits_multiplier, split_channels; // a group's channels of each part, the last one may have fewer
  uint columns; // batch and pixels, of the parts
} push;

// Rows under all windows of an invocation.
const uint k_rows = (k_outputs - 1u) * k_stride_h + (k_kernel_h - 1u) * k_dilation_h + 1u;

uint rest;

// Takes the innermost coordinate off the rest of the index.
uint take(uint size, uint multiplier, uint at) {
  uint quotient = divide(rest, multiplier, (push.shifts >> (5u * at)) & 31u);
  uint remainder = rest - quotient * size;
  rest = quotient;
  return remainder;
}

void main() {
  bool live = invocation_index() < push.count;
  rest = min(invocation_index(), push.count - 1u);
  uint split = 0u;
  uint tile = 0u;
  uint group = 0u;
  if (k_channel_last) {
    tile = take(push.tiles, push.tiles_multiplier, 3u);
    group = take(push.groups, push.groups_multiplier, 4u);
  }
  uint w = take(push.out_w, push.out_w_multiplier, 0u);
  uint h = take(push.blocks, push.blocks_multiplier, 1u) * k_outputs;
  uint d = take(push.out_d, push.out_d_multiplier, 2u);
  if (!k_channel_last) {
    tile = take(push.tiles, push.tiles_multiplier, 3u);
    group = take(push.groups, push.groups_multiplier, 4u);
  }
  if (k_split) {
    split = take(push.splits, push.splits_multiplier, 5u);
  }
  uint n = rest;
  uint channel_first = split * push.split_channels;
  uint channel_end = k_split ? min(channel_first + push.split_channels, push.group_channels) : push.group_channels;

  float sums[k_outputs * k_filters];
  [[unroll]] for (uint i = 0u; i < k_outputs * k_filters; i++) {
    sums[i] = 0.0;
  }
  // In front of the first pixel these wrap below 0 and so fail the unsigned comparison.
  uint d_first = d * k_stride_d - k_padding_d;
  uint h_first = h * k_stride_h - k_padding_h;
  uint w_first = w * k_stride_w - k_padding_w;
  uint base = n * push.input_n + (group * push.group_channels + channel_first) * push.input_c;
  uint weight_at = ((group * push.tiles + tile) * push.group_channels + channel_first) *
    (k_kernel_d * k_kernel_h * k_kernel_w * k_padded);
  uint channels = channel_end + opaque_zero();
  for (uint c = channel_first; c < channels; c++) {
    for (uint kd = 0u; kd < k_kernel_d; kd++) {
      uint at_d = d_first + kd * k_dilation_d;
      bool inside_d = at_d < push.in_d;
      for (uint first = 0u; first < k_kernel_w; first += k_unroll) {
        [[unroll]] for (uint i = 0u; i < k_unroll; i++) {
          uint kw = first + i;
          uint at_w = w_first + kw * k_dilation_w;
          bool inside = inside_d && at_w < push.in_w;
          float taps[k_kernel_h * k_padded];
          [[unroll]] for (uint kh = 0u; kh < k_kernel_h; kh++) {
            uint at = weight_at + (kh * k_kernel_w + kw) * k_padded;
            if (k_padded % 4u == 0u) {
              [[unroll]] for (uint q = 0u; q < k_padded / 4u; q++) {
                vec4 four = LOAD4(weight, at / 4u + q);
                [[unroll]] for (uint j = 0u; j < 4u; j++) {
                  taps[kh * k_padded + q * 4u + j] = four[j];
                }
              }
            } else {
              [[unroll]] for (uint f = 0u; f < k_padded; f++) {
                taps[kh * k_padded + f] = LOAD1(weight, at + f);
              }
            }
          }
          uint column = base + at_d * push.input_d + at_w * push.input_w;
          [[unroll]] for (uint row = 0u; row < k_rows; row++) {
            uint at_h = h_first + row;
            bool valid = inside && at_h < push.in_h;
            float value = LOAD1(x, valid ? column + at_h * push.input_h : base);
            value = valid ? value : 0.0;
            [[unroll]] for (uint kh = 0u; kh < k_kernel_h; kh++) {
              [[unroll]] for (uint o = 0u; o < k_outputs; o++) {
                if (o * k_stride_h + kh * k_dilation_h == row) {
                  [[unroll]] for (uint f = 0u; f < k_filters; f++) {
                    sums[o * k_filters + f] += value * taps[kh * k_padded + f];
                  }
                }
              }
            }
          }
        }
      }
      weight_at += k_kernel_h * k_kernel_w * k_padded;
    }
    base += push.input_c;
  }

  [[unroll]] for (uint f = 0u; f < k_filters; f++) {
    uint filter_index = tile * k_filters + f;
    uint channel = group * push.group_filters + filter_index;
    if (k_split) {
      uint at = (split * push.groups * push.group_filters + channel) * push.columns +
        ((n * push.out_d + d) * push.out_h + h) * push.out_w + w;
      [[unroll]] for (uint o = 0u; o < k_outputs; o++) {
        if (live && filter_index < push.group_filters && h + o < push.out_h) {
          STORE1(y, at + o * push.out_w, sums[o * k_filters + f]);
        }
      }
    } else if (live && filter_index < push.group_filters) {
      float b = 0.0;
      if (k_has_bias) {
        b = LOAD1(bias, channel);
      }
      [[unroll]] for (uint o = 0u; o < k_outputs; o++) {
        if (h + o < push.out_h) {
          uint at = n * push.output_n +
            epilogue_offset(channel, d, h + o, w, push.output_c, push.output_d, push.output_h, push.output_w);
          float r = 0.0;
          if (k_has_residual) {
            r = LOAD1(residual, at);
          }
          STORE1(y, at, epilogue_value(sums[o * k_filters + f], b, r));
        }
      }
    }
  }
}
