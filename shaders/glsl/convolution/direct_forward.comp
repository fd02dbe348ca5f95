// builds: storage texel
// shorts: storage
// Convolution of every kind, one tap at a time: 1-D to 3-D (unit sizes in front), any kernel, stride, padding,
// dilation, groups, and any layout, since all three tensors are read through strides.
// Index map: an invocation makes k_filters consecutive channels of one pixel; a workgroup covers 64 or more consecutive
// pixels of one image. Per multiply-add it reads 4 bytes of weight and 4 / k_filters bytes of input.
// Local size one subgroup or two: no cooperation; neighbors read neighboring pixels.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef STORE_SHORTS
#extension GL_EXT_shader_16bit_storage : require
#endif

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const uint k_filters = 1u;
layout(constant_id = 4) const uint k_kernel_d = 1u;
layout(constant_id = 5) const uint k_kernel_h = 1u;
layout(constant_id = 6) const uint k_kernel_w = 1u;
layout(constant_id = 7) const uint k_stride_d = 1u;
layout(constant_id = 8) const uint k_stride_h = 1u;
layout(constant_id = 9) const uint k_stride_w = 1u;
layout(constant_id = 10) const uint k_padding_d = 0u;
layout(constant_id = 11) const uint k_padding_h = 0u;
layout(constant_id = 12) const uint k_padding_w = 0u;
layout(constant_id = 13) const uint k_dilation_d = 1u;
layout(constant_id = 14) const uint k_dilation_h = 1u;
layout(constant_id = 15) const uint k_dilation_w = 1u;

#include "lib/cpu_load.glsl"
#include "lib/epilogue.glsl"
#include "lib/grid.glsl"

INPUT1(0, x)
INPUT1(1, weight)
INPUT1(2, bias)
INPUT1(3, residual)
OUTPUT4(4, y)

layout(push_constant) uniform Push {
  uint workgroups;
  uint blocks; // workgroups for the pixels of one image
  uint tiles; // invocations for the filters of one group
  uint groups;
  uint pixels;
  uint out_h, out_w;
  uint in_d, in_h, in_w;
  uint group_channels;
  uint group_filters;
  uint input_n, input_c, input_d, input_h, input_w; // strides in elements
  uint weight_o, weight_c, weight_d, weight_h, weight_w;
  uint output_n, output_c, output_d, output_h, output_w;
} push;

void main() {
  // Indices are clamped and only the stores guarded: on CPU devices an early return masks everything behind it.
  uint rest = min(workgroup_index(), push.workgroups - 1u);
  bool live = workgroup_index() < push.workgroups;
  uint block = rest % push.blocks;
  rest /= push.blocks;
  uint tile = rest % push.tiles;
  rest /= push.tiles;
  uint group = rest % push.groups;
  uint n = rest / push.groups;

  uint pixel = block * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  live = live && pixel < push.pixels;
  pixel = min(pixel, push.pixels - 1u);
  uint w = pixel % push.out_w;
  uint h = pixel / push.out_w % push.out_h;
  uint d = pixel / push.out_w / push.out_h;

  // Before the first pixel these wrap below 0 and so fail the unsigned comparison.
  uint d_first = d * k_stride_d - k_padding_d;
  uint h_first = h * k_stride_h - k_padding_h;
  uint w_first = w * k_stride_w - k_padding_w;
  uint input_base = n * push.input_n + group * push.group_channels * push.input_c;
  uint filter_first = tile * k_filters;
  uint weight_base[k_filters];
  float sums[k_filters];
  for (uint o = 0u; o < k_filters; o++) {
    uint filter_index = min(filter_first + o, push.group_filters - 1u);
    weight_base[o] = (group * push.group_filters + filter_index) * push.weight_o;
    sums[o] = 0.0;
  }

  uint channels = push.group_channels + opaque_zero();
  for (uint c = 0u; c < channels; c++) {
    for (uint kd = 0u; kd < k_kernel_d; kd++) {
      uint at_d = d_first + kd * k_dilation_d;
      for (uint kh = 0u; kh < k_kernel_h; kh++) {
        uint at_h = h_first + kh * k_dilation_h;
        bool inside_rows = at_d < push.in_d && at_h < push.in_h;
        for (uint kw = 0u; kw < k_kernel_w; kw++) {
          uint at_w = w_first + kw * k_dilation_w;
          bool inside = inside_rows && at_w < push.in_w;
          uint at = input_base + at_d * push.input_d + at_h * push.input_h + at_w * push.input_w;
          float value = LOAD1(x, inside ? at : input_base);
          value = inside ? value : 0.0;
          uint tap = kd * push.weight_d + kh * push.weight_h + kw * push.weight_w;
          for (uint o = 0u; o < k_filters; o++) {
            sums[o] += value * LOAD1(weight, weight_base[o] + tap);
          }
        }
      }
    }
    input_base += push.input_c;
    for (uint o = 0u; o < k_filters; o++) {
      weight_base[o] += push.weight_c;
    }
  }

  for (uint o = 0u; o < k_filters; o++) {
    uint filter_index = filter_first + o;
    if (live && filter_index < push.group_filters) {
      uint channel = group * push.group_filters + filter_index;
      uint at = n * push.output_n +
        epilogue_offset(channel, d, h, w, push.output_c, push.output_d, push.output_h, push.output_w);
      float b = 0.0;
      if (k_has_bias) {
        b = LOAD1(bias, channel);
      }
      float r = 0.0;
      if (k_has_residual) {
        r = LOAD1(residual, at);
      }
      STORE1(y, at, epilogue_value(sums[o], b, r));
    }
  }
}
