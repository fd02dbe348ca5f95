// shorts: plain
// Convolution of many channels into few filters, of stride 1, for GPUs (the last layer of an image network, the gradient of an
// image): each pixel of the input is read once, and what it adds to the window of every result is kept in registers.
// Index map: a workgroup has k_columns x k_rows quads of neighboring pixels of the input, an invocation one, and k_taps sums
// of four; per channel it reads 16 bytes, and its weights, which are the same for all, for 4 * k_taps multiply-adds. Then
// results are added up in shared memory: those whose windows lie in the workgroup's part of the input, a border less.
// Local size: k_columns * k_rows.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef STORE_SHORTS
#extension GL_EXT_shader_16bit_storage : require
#endif
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const uint k_columns = 16u; // quads
layout(constant_id = 4) const uint k_rows = 16u;
layout(constant_id = 5) const uint k_filters = 1u;
layout(constant_id = 6) const uint k_kernel_h = 1u;
layout(constant_id = 7) const uint k_kernel_w = 1u;
layout(constant_id = 8) const uint k_padding_h = 0u;
layout(constant_id = 9) const uint k_padding_w = 0u;
layout(constant_id = 10) const uint k_dilation_h = 1u;
layout(constant_id = 11) const uint k_dilation_w = 1u;
layout(constant_id = 12) const uint k_out_rows = 1u; // results of a workgroup
layout(constant_id = 13) const uint k_out_columns = 4u; // a multiple of 4
layout(constant_id = 14) const uint k_chunk = 4u; // channels whose weights are shared at once, a multiple of k_ahead
layout(constant_id = 15) const uint k_ahead = 1u; // channels that are on their way at once

#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/epilogue.glsl"
#include "lib/grid.glsl"

INPUT4(0, x)
INPUT4(1, weight)
INPUT1(2, bias)
INPUT1(3, residual)
OUTPUT4(4, y)

layout(push_constant) uniform Push {
  uint workgroups;
  uint tiles_w, tiles_h;
  uint tiles_w_multiplier, tiles_h_multiplier;
  uint shifts; // five bits each, in that order
  uint channels;
  uint in_h, in_w;
  uint out_h, out_w;
  uint input_n, input_c, input_h; // strides in quads
  uint output_n, output_c, output_h, output_w;
} push;

const uint k_threads = k_columns * k_rows;
const uint k_taps = k_filters * k_kernel_h * k_kernel_w;
const uint k_quads = (k_taps + 3u) / 4u; // of weights, for one channel
const uint k_lead = (k_padding_w + 3u) / 4u; // quads in front of the first result's column
const uint k_shift = k_lead * 4u - k_padding_w;
const uint k_own = (k_out_rows * k_out_columns + k_threads - 1u) / k_threads; // results of an invocation

shared vec4 weights[k_chunk * k_quads];
shared vec4 products[k_kernel_w * k_threads];

vec4 sums[k_taps];
vec4 ahead[k_ahead];
uint base;
bool inside;

void load_ahead(uint first) {
  [[unroll]] for (uint i = 0u; i < k_ahead; i++) {
    bool valid = inside && first + i < push.channels;
    vec4 four = LOAD4(x, valid ? base + (first + i) * push.input_c : 0u);
    ahead[i] = valid ? four : vec4(0.0);
  }
}

void main() {
  if (workgroup_index() >= push.workgroups) {
    return; // the whole workgroup: no barrier is left waiting
  }
  uint thread = gl_LocalInvocationIndex;
  uint row_of_tiles = divide(workgroup_index(), push.tiles_w_multiplier, push.shifts & 31u);
  uint n = divide(row_of_tiles, push.tiles_h_multiplier, (push.shifts >> 5) & 31u);
  uint w_first = (workgroup_index() - row_of_tiles * push.tiles_w) * k_out_columns;
  uint h_first = (row_of_tiles - n * push.tiles_h) * k_out_rows;
  // In front of the first pixel these wrap below 0 and so fail the unsigned comparison.
  uint quad = w_first / 4u - k_lead + thread % k_columns;
  uint row = h_first - k_padding_h + thread / k_columns;
  inside = quad < push.in_w / 4u && row < push.in_h;
  base = n * push.input_n + row * push.input_h + quad;

  [[unroll]] for (uint t = 0u; t < k_taps; t++) {
    sums[t] = vec4(0.0);
  }
  uint channels = push.channels + opaque_zero();
  load_ahead(0u);
  for (uint first = 0u; first < channels; first += k_chunk) {
    barrier();
    for (uint i = thread; i < k_chunk * k_quads; i += k_threads) {
      uint at = first * k_quads + i;
      bool valid = at < push.channels * k_quads;
      vec4 four = LOAD4(weight, valid ? at : 0u);
      weights[i] = valid ? four : vec4(0.0);
    }
    barrier();
    uint count = min(k_chunk, channels - first);
    for (uint c = 0u; c < count; c += k_ahead) {
      vec4 now[k_ahead];
      [[unroll]] for (uint i = 0u; i < k_ahead; i++) {
        now[i] = ahead[i];
      }
      load_ahead(first + c + k_ahead);
      [[unroll]] for (uint i = 0u; i < k_ahead; i++) {
        [[unroll]] for (uint q = 0u; q < k_quads; q++) {
          vec4 taps = weights[(c + i) * k_quads + q];
          [[unroll]] for (uint j = 0u; j < 4u; j++) {
            if (q * 4u + j < k_taps) {
              sums[q * 4u + j] += taps[j] * now[i];
            }
          }
        }
      }
    }
  }

  [[unroll]] for (uint f = 0u; f < k_filters; f++) {
    float found[k_own];
    [[unroll]] for (uint o = 0u; o < k_own; o++) {
      found[o] = 0.0;
    }
    [[unroll]] for (uint kh = 0u; kh < k_kernel_h; kh++) {
      barrier();
      [[unroll]] for (uint kw = 0u; kw < k_kernel_w; kw++) {
        products[kw * k_threads + thread] = sums[(f * k_kernel_h + kh) * k_kernel_w + kw];
      }
      barrier();
      [[unroll]] for (uint o = 0u; o < k_own; o++) {
        uint at = min(thread + o * k_threads, k_out_rows * k_out_columns - 1u);
        uint line = (at / k_out_columns + kh * k_dilation_h) * k_columns;
        [[unroll]] for (uint kw = 0u; kw < k_kernel_w; kw++) {
          uint column = at % k_out_columns + k_shift + kw * k_dilation_w;
          found[o] += products[kw * k_threads + line + column / 4u][column % 4u];
        }
      }
    }
    [[unroll]] for (uint o = 0u; o < k_own; o++) {
      uint at = thread + o * k_threads;
      uint h = h_first + at / k_out_columns;
      uint w = w_first + at % k_out_columns;
      if (at < k_out_rows * k_out_columns && h < push.out_h && w < push.out_w) {
        uint place = n * push.output_n +
          epilogue_offset(f, 0u, h, w, push.output_c, 0u, push.output_h, push.output_w);
        float b = 0.0;
        if (k_has_bias) {
          b = LOAD1(bias, f);
        }
        float r = 0.0;
        if (k_has_residual) {
          r = LOAD1(residual, place);
        }
        STORE1(y, place, epilogue_value(found[o], b, r));
      }
    }
  }
}
