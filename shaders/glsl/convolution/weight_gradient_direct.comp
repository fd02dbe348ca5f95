// builds: storage texel
// Gradient of a convolution's weight, one element at a time: any rank, kernel, stride, padding, dilation, groups, layout.
// dw[o, c, k] = sum over images and pixels q of g[n, o, q] * x[n, c, q * stride - padding + k * dilation].
// Index map: invocation i of a chunk makes element i of the weight from the rows of that chunk, in order; what the
// chunks make is added up by weight_gradient_sum. Per multiply-add it reads 8 bytes.
// Local size 64 or 256: no cooperation; neighbors read neighboring taps and the same gradient.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

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
// Whether input channels are the innermost axis of the weight (channel-last layouts).
layout(constant_id = 16) const bool k_channel_last = false;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"

INPUT1(0, x)
INPUT1(1, gradient)
OUTPUT4(2, result)

layout(push_constant) uniform Push {
  uint count; // elements of the weight times chunks
  uint elements;
  uint chunk_step; // elements from chunk to chunk in the result
  uint chunk_rows;
  uint rows; // batch * out_d * out_h
  uint group_channels, group_filters;
  uint out_d, out_h, out_w;
  uint in_d, in_h, in_w;
  uint x_n, x_c, x_d, x_h, x_w; // strides in elements
  uint g_n, g_c, g_d, g_h, g_w;
} push;

const uint k_taps = k_kernel_d * k_kernel_h * k_kernel_w;

void main() {
  // Indices are clamped and only the stores guarded: on CPU devices an early return masks everything behind it.
  uint index = min(invocation_index(), push.count - 1u);
  uint chunk = index / push.elements;
  uint element = index - chunk * push.elements;
  uint o = element / (push.group_channels * k_taps);
  uint rest = element - o * (push.group_channels * k_taps);
  uint c = k_channel_last ? rest % push.group_channels : rest / k_taps;
  uint tap = k_channel_last ? rest / push.group_channels : rest % k_taps;
  uint kw = tap % k_kernel_w;
  uint kh = tap / k_kernel_w % k_kernel_h;
  uint kd = tap / (k_kernel_w * k_kernel_h);

  uint row = chunk * push.chunk_rows;
  uint last = min(row + push.chunk_rows, push.rows) + opaque_zero();
  uint h = row % push.out_h;
  uint d = row / push.out_h % push.out_d;
  uint n = row / push.out_h / push.out_d;
  uint x_channel = (o / push.group_filters * push.group_channels + c) * push.x_c;
  uint first_w = kw * k_dilation_w - k_padding_w;
  uint width = push.out_w + opaque_zero();
  float sum = 0.0;
  for (; row < last; row++) {
    // In front of the input these wrap below 0, and so fail the unsigned comparison.
    uint at_d = d * k_stride_d + kd * k_dilation_d - k_padding_d;
    uint at_h = h * k_stride_h + kh * k_dilation_h - k_padding_h;
    bool inside_row = at_d < push.in_d && at_h < push.in_h;
    uint x_row = n * push.x_n + x_channel + at_d * push.x_d + at_h * push.x_h;
    uint g_row = n * push.g_n + o * push.g_c + d * push.g_d + h * push.g_h;
    float row_sum = 0.0;
    for (uint w = 0u; w < width; w++) {
      uint at_w = w * k_stride_w + first_w;
      bool inside = inside_row && at_w < push.in_w;
      float value = LOAD1(x, inside ? x_row + at_w * push.x_w : 0u);
      value = inside ? value : 0.0;
      row_sum += value * LOAD1(gradient, g_row + w * push.g_w);
    }
    // Row by row: long sums keep more digits so.
    sum += row_sum;
    h++;
    bool wrap = h == push.out_h;
    h = wrap ? 0u : h;
    d += wrap ? 1u : 0u;
    wrap = d == push.out_d;
    d = wrap ? 0u : d;
    n += wrap ? 1u : 0u;
  }
  if (invocation_index() < push.count) {
    STORE1(result, chunk * push.chunk_step + element, sum);
  }
}
