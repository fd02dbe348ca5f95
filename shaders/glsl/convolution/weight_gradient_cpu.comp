// builds: storage texel
// Gradient of a convolution's weight on a CPU device (lavapipe): any kernel, stride, padding, dilation, groups, layout.
// dw[o, c, k] = sum over images and pixels q of g[n, o, q] * x[n, c, q * stride - padding + k * dilation].
//
// One subgroup makes, for one kernel row and one chunk of the pixels, k_blocks * 8 filters x k_channels input channels x
// k_taps taps along the width. Lane l holds filter 8 b + l. In one round it takes 4 neighboring pixels: a vec4 of the
// gradient for each block, and the values of x under the taps with lane l = input channel l; a shuffle with a constant
// index hands each of these to all lanes. k_private: every lane reads the channels of its own group instead (depthwise
// and small groups), and nothing is shared.
// Arithmetic: 3 taps, 2 blocks, 8 channels: 384 multiply-adds of 8 lanes per 5 vec4 loads and 48 shuffles.
// No shared memory, no barrier; local size 8. Chunks are added up by weight_gradient_sum.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require

layout(local_size_x_id = 0) in;

layout(constant_id = 1) const uint k_blocks = 1u;
layout(constant_id = 2) const uint k_channels = 8u;
layout(constant_id = 3) const uint k_taps = 3u;
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
layout(constant_id = 16) const bool k_channel_last = false;
layout(constant_id = 17) const bool k_private = false;
// Four neighboring pixels of the gradient, or of x, are one aligned vec4.
layout(constant_id = 18) const bool k_gradient_quads = false;
layout(constant_id = 19) const bool k_x_quads = false;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"

INPUT1(0, x)
INPUT4(1, x_vector)
INPUT1(2, gradient)
INPUT4(3, gradient_vector)
OUTPUT4(4, result)

layout(push_constant) uniform Push {
  uint items;
  uint filter_blocks, channel_blocks; // of one group; of all filters with k_private
  uint groups;
  uint chunk_step; // elements from chunk to chunk in the result
  uint chunk_rounds;
  uint rounds; // batch * out_d * out_h * ceil(out_w / 4)
  uint group_channels, group_filters;
  uint filters; // of one group; all with k_private
  uint out_d, out_h, out_w;
  uint in_d, in_h, in_w;
  uint x_n, x_c, x_d, x_h, x_w; // strides in elements
  uint g_n, g_c, g_d, g_h, g_w;
} push;

const uint k_tap_groups = (k_kernel_w + k_taps - 1u) / k_taps;
// Values of x that four pixels need: a window without gaps, or, where taps lie far apart, one for each pixel and tap.
const uint k_span = 3u * k_stride_w + (k_taps - 1u) * k_dilation_w + 1u;
const bool k_window = k_span <= 4u * k_taps + 2u;
const uint k_values = k_window ? k_span : 4u * k_taps;
// With k_x_quads: places from the beginning of a vec4 to the first that is needed, which are the same in every run, as then
// groups of taps are whole vectors apart; vec4s in front of x to there; and how many are read.
const uint k_shift = (4u - k_padding_w % 4u) % 4u;
const uint k_left = (k_padding_w + k_shift) / 4u;
const uint k_texels = (k_shift + k_span + 3u) / 4u;
const uint k_x_channels = k_private ? k_channels : 1u;

#if defined(LOAD_TEXEL)
vec4 load_x4(uint index, bool valid) {
  return LOAD4(x_vector, valid ? index : 0x07ffffffu);
}
float load_x1(uint index, bool valid) {
  return LOAD1(x, valid ? index : 0x1fffffffu);
}
vec4 load_g4(uint index, bool valid) {
  return LOAD4(gradient_vector, valid ? index : 0x07ffffffu);
}
float load_g1(uint index, bool valid) {
  return LOAD1(gradient, valid ? index : 0x1fffffffu);
}
#else
vec4 load_x4(uint index, bool valid) {
  vec4 value = LOAD4(x_vector, valid ? index : 0u);
  return valid ? value : vec4(0.0);
}
float load_x1(uint index, bool valid) {
  float value = LOAD1(x, valid ? index : 0u);
  return valid ? value : 0.0;
}
vec4 load_g4(uint index, bool valid) {
  vec4 value = LOAD4(gradient_vector, valid ? index : 0u);
  return valid ? value : vec4(0.0);
}
float load_g1(uint index, bool valid) {
  float value = LOAD1(gradient, valid ? index : 0u);
  return valid ? value : 0.0;
}
#endif

uint place_of(uint pixel, uint tap) {
  return k_window ? pixel * k_stride_w + tap * k_dilation_w : pixel * k_taps + tap;
}

// Where value i lies, counted from the first pixel's first tap.
uint distance_of(uint i) {
  return k_window ? i : (i / k_taps) * k_stride_w + (i % k_taps) * k_dilation_w;
}

void main() {
  uint lane = gl_SubgroupInvocationID;
  uint item = min(workgroup_index(), push.items - 1u);
  uint rest = item;
  uint tap_group = rest % k_tap_groups;
  rest /= k_tap_groups;
  uint kh = rest % k_kernel_h;
  rest /= k_kernel_h;
  uint kd = rest % k_kernel_d;
  rest /= k_kernel_d;
  uint channel_first = rest % push.channel_blocks * k_channels;
  rest /= push.channel_blocks;
  uint filter_first = rest % push.filter_blocks * (8u * k_blocks);
  rest /= push.filter_blocks;
  uint group = rest % push.groups;
  uint chunk = rest / push.groups;

  uint gradient_lane[k_blocks];
  bool filter_inside[k_blocks];
  [[unroll]] for (uint b = 0u; b < k_blocks; b++) {
    uint own = filter_first + b * 8u + lane;
    filter_inside[b] = own < push.filters;
    gradient_lane[b] = (group * push.group_filters + min(own, push.filters - 1u)) * push.g_c;
  }
  // Without k_private lane l reads channel l; with it, channel j of the lane's own group.
  uint own_group = k_private ? min(filter_first + lane, push.filters - 1u) / push.group_filters : group;
  uint x_lane[k_x_channels];
  [[unroll]] for (uint j = 0u; j < k_x_channels; j++) {
    uint channel = min(channel_first + (k_private ? j : lane), push.group_channels - 1u);
    x_lane[j] = (own_group * push.group_channels + channel) * push.x_c;
  }

  uint runs = (push.out_w + 3u) / 4u;
  uint round_first = chunk * push.chunk_rounds;
  uint round_count = min(push.chunk_rounds, push.rounds - round_first) + opaque_zero();
  uint row = round_first / runs;
  uint run = round_first - row * runs;
  uint h = row % push.out_h;
  uint d = row / push.out_h % push.out_d;
  uint n = row / push.out_h / push.out_d;
  uint tap_first = tap_group * k_taps;

  float sums[k_blocks * k_channels * k_taps];
  [[unroll]] for (uint i = 0u; i < k_blocks * k_channels * k_taps; i++) {
    sums[i] = 0.0;
  }
  for (uint round = 0u; round < round_count; round++) {
    // In front of the input these wrap below 0, and so fail the unsigned comparison.
    uint at_d = d * k_stride_d + kd * k_dilation_d - k_padding_d;
    uint at_h = h * k_stride_h + kh * k_dilation_h - k_padding_h;
    bool inside_row = at_d < push.in_d && at_h < push.in_h;
    uint x_row = n * push.x_n + at_d * push.x_d + at_h * push.x_h;
    uint g_row = n * push.g_n + d * push.g_d + h * push.g_h;
    uint w = run * 4u;

    vec4 g[k_blocks];
    [[unroll]] for (uint b = 0u; b < k_blocks; b++) {
      if (k_gradient_quads) {
        g[b] = load_g4((g_row + gradient_lane[b] + w) >> 2u, true);
      } else {
        [[unroll]] for (uint p = 0u; p < 4u; p++) {
          g[b][p] = load_g1(g_row + gradient_lane[b] + (w + p) * push.g_w, w + p < push.out_w);
        }
      }
    }
    float values[k_x_channels * k_values];
    [[unroll]] for (uint j = 0u; j < k_x_channels; j++) {
      uint base = x_row + x_lane[j];
      if (k_x_quads) {
        vec4 texels[k_texels];
        [[unroll]] for (uint i = 0u; i < k_texels; i++) {
          uint at = run * k_stride_w + tap_first * k_dilation_w / 4u + i - k_left;
          texels[i] = load_x4((base >> 2u) + at, inside_row && at < push.in_w / 4u);
        }
        [[unroll]] for (uint i = 0u; i < k_values; i++) {
          uint at = k_shift + distance_of(i);
          values[j * k_values + i] = texels[at / 4u][at % 4u];
        }
      } else {
        uint first = w * k_stride_w + tap_first * k_dilation_w - k_padding_w;
        [[unroll]] for (uint i = 0u; i < k_values; i++) {
          uint at = first + distance_of(i);
          values[j * k_values + i] = load_x1(base + at * push.x_w, inside_row && at < push.in_w);
        }
      }
    }
    [[unroll]] for (uint c = 0u; c < k_channels; c++) {
      float shared_values[k_values];
      [[unroll]] for (uint i = 0u; i < k_values; i++) {
        shared_values[i] = k_private ? values[(k_private ? c : 0u) * k_values + i] : subgroupShuffle(values[i], c);
      }
      [[unroll]] for (uint b = 0u; b < k_blocks; b++) {
        [[unroll]] for (uint t = 0u; t < k_taps; t++) {
          uint at = (b * k_channels + c) * k_taps + t;
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            sums[at] += g[b][p] * shared_values[place_of(p, t)];
          }
        }
      }
    }
    run++;
    bool wrap = run == runs;
    run = wrap ? 0u : run;
    h += wrap ? 1u : 0u;
    wrap = h == push.out_h;
    h = wrap ? 0u : h;
    d += wrap ? 1u : 0u;
    wrap = d == push.out_d;
    d = wrap ? 0u : d;
    n += wrap ? 1u : 0u;
  }

  [[unroll]] for (uint b = 0u; b < k_blocks; b++) {
    uint o = group * push.group_filters + filter_first + b * 8u + lane;
    [[unroll]] for (uint c = 0u; c < k_channels; c++) {
      uint channel = channel_first + c;
      [[unroll]] for (uint t = 0u; t < k_taps; t++) {
        uint kw = tap_first + t;
        if (filter_inside[b] && channel < push.group_channels && kw < k_kernel_w && workgroup_index() < push.items) {
          uint tap = (kd * k_kernel_h + kh) * k_kernel_w + kw;
          uint taps = k_kernel_d * k_kernel_h * k_kernel_w;
          uint column = k_channel_last ? tap * push.group_channels + channel : channel * taps + tap;
          uint at = chunk * push.chunk_step + o * (push.group_channels * taps) + column;
          STORE1(result, at, sums[(b * k_channels + c) * k_taps + t]);
        }
      }
    }
  }
}
