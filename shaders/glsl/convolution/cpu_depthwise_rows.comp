// builds: texel storage address
// Depthwise convolution forward on a CPU device (lavapipe), 2-D, whole rows: channel-first x whose planes and strips
// begin at a multiple of 4 floats, any kernel, stride, dilation and multiplier.
//
// Operands: x (vec4s), weight (floats, [channels][kh][kw]), bias, residual, y. One invocation makes k_rows whole output
// rows of one channel, 4 columns a round; lanes run over (image, channel, strip of rows).
// Grid: x = ceil(units / local_size_x), units = n * channels * strips, strips = ceil(out_h / k_rows).
//
// A lane walks along its rows and keeps the vec4s that the next round needs too, so a vec4 of x is read once a strip: with
// 3 x 3 taps, stride 1 and 4 rows 1.5 of them for a vec4 of y. Each lane holds the weight of its own channel: nothing is
// broadcast. Rows of x need not begin at a vec4; where one begins within its vec4 is the same in every strip.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

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
// Width of x modulo 4.
layout(constant_id = 11) const uint k_rest = 0u;
// Floats of y stored at once: 4 or 2 if the strides of y and out_w are multiples of it, else 1 (any strides, shuffle).
layout(constant_id = 12) const uint k_store = 1u;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t weight_address;
  uint64_t bias_address;
  uint64_t residual_address;
  uint64_t y_address;
#endif
  uint units;
  uint strips;
  uint channels; // of y
  uint x_height;
  uint x_width;
  uint out_h;
  uint out_w;
  uint y_step_n; // floats; the strides of the stored tensor
  uint y_step_c;
  uint y_step_d;
  uint y_step_h;
  uint y_step_w;
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"
#include "../lib/epilogue.glsl"

INPUT4(0, x)
INPUT1(1, weight)
INPUT1(2, bias)
INPUT1(3, residual)
OUTPUT4(4, y)

const uint k_count = k_kernel_h * k_kernel_w;
const uint k_span_h = (k_rows - 1u) * k_stride_h + (k_kernel_h - 1u) * k_dilation_h + 1u;
// A round reads k_window vec4s of a row, from k_left before its first column on, and hands k_kept of them on.
const uint k_left = (k_pad_w + 3u) / 4u;
const uint k_largest_shift = k_rest == 0u ? 0u : (k_rest == 2u ? 2u : 3u);
const uint k_window = (3u * k_stride_w + (k_kernel_w - 1u) * k_dilation_w + k_largest_shift + 4u * k_left - k_pad_w) / 4u + 1u;
const uint k_kept = k_window > k_stride_w ? k_window - k_stride_w : 0u;

// Place of the first column in its vec4, in row r of a strip.
uint shift_of(uint r) {
  return ((r - k_pad_h) * k_rest) & 3u;
}

// The vec4 at `texel` of a row that begins in the middle (shift) of the vec4 at `start`; columns outside it are zeros.
vec4 load_x(uint start, uint texel, uint shift, bool inside) {
  bool valid = inside && texel * 4u < push.x_width + shift;
#if defined(LOAD_TEXEL)
  vec4 value = LOAD4(x, valid ? start + texel : 0x07ffffffu);
#else
  vec4 value = LOAD4(x, valid ? start + texel : 0u);
  value = valid ? value : vec4(0.0);
#endif
  if (k_rest != 0u) {
    [[unroll]] for (uint j = 0u; j < 4u; j++) {
      value[j] = texel * 4u + j - shift < push.x_width ? value[j] : 0.0;
    }
  }
  return value;
}

void main() {
  // Zero, but not to the compiler: Mesa 22 would recompile for every value of a push constant in a loop condition.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint unit = gl_GlobalInvocationID.x;
  uint safe_unit = min(unit, push.units - 1u);
  uint plane = safe_unit / push.strips;
  uint strip = safe_unit - plane * push.strips;
  uint image = plane / push.channels;
  uint channel = plane - image * push.channels;
  uint out_h = strip * k_rows;
  uint x_h = out_h * k_stride_h - k_pad_h;
  uint x_row = (plane / k_multiplier) * push.x_height + x_h;

  float weights[k_count];
  [[unroll]] for (uint i = 0u; i < k_count; i++) {
    weights[i] = LOAD1(weight, channel * k_count + i);
  }
  float bias = k_has_bias ? LOAD1(bias, channel) : 0.0;
  uint starts[k_span_h];
  bool inside[k_span_h];
  vec4 window[k_span_h * k_window];
  [[unroll]] for (uint r = 0u; r < k_span_h; r++) {
    starts[r] = ((x_row + r) * push.x_width) >> 2u;
    inside[r] = x_h + r < push.x_height;
    [[unroll]] for (uint i = 0u; i < k_kept; i++) {
      window[r * k_window + i] = i < k_left ? vec4(0.0) : load_x(starts[r], i - k_left, shift_of(r), inside[r]);
    }
  }
  uint target = image * push.y_step_n + channel * push.y_step_c + out_h * push.y_step_h;
  uint out_w_end = push.out_w + zero;
  uint texel = k_kept - k_left;
  for (uint out_w = 0u; out_w < out_w_end; out_w += 4u) {
    float sums[k_rows * 4u];
    [[unroll]] for (uint i = 0u; i < k_rows * 4u; i++) {
      sums[i] = 0.0;
    }
    [[unroll]] for (uint r = 0u; r < k_span_h; r++) {
      [[unroll]] for (uint i = k_kept; i < k_window; i++) {
        window[r * k_window + i] = load_x(starts[r], texel + i - k_kept, shift_of(r), inside[r]);
      }
      [[unroll]] for (uint row = 0u; row < k_rows; row++) {
        [[unroll]] for (uint kh = 0u; kh < k_kernel_h; kh++) {
          if (row * k_stride_h + kh * k_dilation_h == r) {
            [[unroll]] for (uint kw = 0u; kw < k_kernel_w; kw++) {
              [[unroll]] for (uint p = 0u; p < 4u; p++) {
                uint place = 4u * k_left - k_pad_w + shift_of(r) + p * k_stride_w + kw * k_dilation_w;
                sums[row * 4u + p] += weights[kh * k_kernel_w + kw] * window[r * k_window + place / 4u][place % 4u];
              }
            }
          }
        }
      }
      [[unroll]] for (uint i = 0u; i < k_kept; i++) {
        window[r * k_window + i] = window[r * k_window + i + k_stride_w];
      }
    }
    texel += k_stride_w;

    if (unit < push.units) {
      [[unroll]] for (uint row = 0u; row < k_rows; row++) {
        if (out_h + row < push.out_h) {
          if (k_store > 1u) {
            uint place = target + row * push.y_step_h + out_w;
            float values[4];
            [[unroll]] for (uint p = 0u; p < 4u; p++) {
              // Pairs may end a row in the middle of what is made.
              bool exists = k_store == 4u || p < 2u || out_w + p < push.out_w;
              float residual = k_has_residual ? LOAD1(residual, place + (exists ? p : 0u)) : 0.0;
              values[p] = epilogue_value(sums[row * 4u + p], bias, residual);
            }
            if (k_store == 4u) {
              STORE4(y, place >> 2u, vec4(values[0], values[1], values[2], values[3]));
            } else {
              STORE2(y, place >> 1u, vec2(values[0], values[1]));
              if (out_w + 2u < push.out_w) {
                STORE2(y, (place >> 1u) + 1u, vec2(values[2], values[3]));
              }
            }
          } else {
            [[unroll]] for (uint p = 0u; p < 4u; p++) {
              if (out_w + p < push.out_w) {
                uint place = image * push.y_step_n + epilogue_offset(channel, 0u, out_h + row, out_w + p, push.y_step_c, push.y_step_d, push.y_step_h, push.y_step_w);
                float residual = k_has_residual ? LOAD1(residual, place) : 0.0;
                STORE1(y, place, epilogue_value(sums[row * 4u + p], bias, residual));
              }
            }
          }
        }
      }
    }
  }
}
