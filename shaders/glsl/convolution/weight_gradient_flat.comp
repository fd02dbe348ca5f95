// builds: storage texel
// Gradient of a depthwise convolution's weight on a CPU device (lavapipe), 2-D, narrow planes: channel-first x and head
// gradient without gaps whose planes are whole vec4s, any kernel, stride, padding, dilation and multiplier.
// dw[o, k] = sum over images n and pixels q of g[n, o, q] * x[n, o / multiplier, q * stride - padding + k * dilation].
//
// Operands: x and gradient (vec4s), result (floats, [chunks][filters][kh][kw]). One invocation makes all taps of one filter
// from the images of one chunk, strip by strip of k_rows whole rows, which lie one behind the other in memory: rows need
// not be whole vec4s. Lanes run over the filters. Grid: x = ceil(filters / local_size_x), y = chunks.
//
// A strip is unrolled, so taps beyond the left and right border cost nothing; vec4s above and below a plane are zeros.
// 4 rows of 14 with 3 x 3 taps: 36 vec4 loads for 464 multiply-adds. Local size 8; weight_gradient_sum adds up the chunks.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_rows = 4u;
layout(constant_id = 2) const uint k_kernel_h = 3u;
layout(constant_id = 3) const uint k_kernel_w = 3u;
layout(constant_id = 4) const uint k_stride_h = 1u;
layout(constant_id = 5) const uint k_stride_w = 1u;
layout(constant_id = 6) const uint k_dilation_h = 1u;
layout(constant_id = 7) const uint k_dilation_w = 1u;
layout(constant_id = 8) const uint k_pad_h = 1u;
layout(constant_id = 9) const uint k_pad_w = 1u;
layout(constant_id = 10) const uint k_multiplier = 1u;
layout(constant_id = 11) const uint k_width = 14u; // of x
layout(constant_id = 12) const uint k_out_w = 14u;

layout(push_constant) uniform Push {
  uint filters;
  uint images;
  uint images_per_chunk;
  uint strips;
  uint x_plane; // vec4s
  uint g_plane; // vec4s
  uint chunk_step; // elements from chunk to chunk in the result
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"

INPUT4(0, x)
INPUT4(1, gradient)
OUTPUT4(2, result)

const uint k_count = k_kernel_h * k_kernel_w;
const uint k_span_h = (k_rows - 1u) * k_stride_h + (k_kernel_h - 1u) * k_dilation_h + 1u;
// Vec4s before those of the strip's own first row, and where the first row that taps reach begins in them.
const uint k_lead = (k_pad_h * k_width + 3u) / 4u;
const uint k_offset = k_lead * 4u - k_pad_h * k_width;
const uint k_texels = (k_offset + k_span_h * k_width + 3u) / 4u;
const uint k_quads = k_rows * k_out_w / 4u;

#if defined(LOAD_TEXEL)
#define LOAD_INSIDE(name, index, inside) LOAD4(name, (inside) ? (index) : 0x07ffffffu)
#else
vec4 only(bool inside, vec4 value) {
  return inside ? value : vec4(0.0);
}
#define LOAD_INSIDE(name, index, inside) only(inside, LOAD4(name, (inside) ? (index) : 0u))
#endif

void main() {
  uint filter_index = min(gl_GlobalInvocationID.x, push.filters - 1u);
  uint channels = push.filters / k_multiplier;
  uint channel = filter_index / k_multiplier;
  uint image = gl_WorkGroupID.y * push.images_per_chunk;
  uint rounds = min(push.images_per_chunk, push.images - image) * push.strips + opaque_zero();
  uint strip = 0u;
  float sums[k_count];
  [[unroll]] for (uint i = 0u; i < k_count; i++) {
    sums[i] = 0.0;
  }
  for (uint round = 0u; round < rounds; round++) {
    uint x_start = (image * channels + channel) * push.x_plane;
    uint x_first = strip * (k_rows * k_stride_h * k_width / 4u) - k_lead;
    uint g_start = (image * push.filters + filter_index) * push.g_plane;
    uint g_first = strip * k_quads;
    vec4 window[k_texels];
    [[unroll]] for (uint i = 0u; i < k_texels; i++) {
      // In front of the plane these wrap below 0, and so fail the unsigned comparison.
      window[i] = LOAD_INSIDE(x, x_start + x_first + i, x_first + i < push.x_plane);
    }
    vec4 head[k_quads];
    [[unroll]] for (uint i = 0u; i < k_quads; i++) {
      head[i] = LOAD_INSIDE(gradient, g_start + g_first + i, g_first + i < push.g_plane);
    }
    [[unroll]] for (uint kh = 0u; kh < k_kernel_h; kh++) {
      [[unroll]] for (uint kw = 0u; kw < k_kernel_w; kw++) {
        // Strip by strip: long sums keep more digits so.
        float sum = 0.0;
        [[unroll]] for (uint v = 0u; v < k_rows * k_out_w; v++) {
          uint x_w = v % k_out_w * k_stride_w + kw * k_dilation_w - k_pad_w;
          if (x_w < k_width) {
            uint place = k_offset + (v / k_out_w * k_stride_h + kh * k_dilation_h) * k_width + x_w;
            sum += head[v / 4u][v % 4u] * window[place / 4u][place % 4u];
          }
        }
        sums[kh * k_kernel_w + kw] += sum;
      }
    }
    strip++;
    bool wrap = strip == push.strips;
    strip = wrap ? 0u : strip;
    image += wrap ? 1u : 0u;
  }
  if (gl_GlobalInvocationID.x < push.filters) {
    [[unroll]] for (uint i = 0u; i < k_count; i++) {
      STORE1(result, gl_WorkGroupID.y * push.chunk_step + filter_index * k_count + i, sums[i]);
    }
  }
}
