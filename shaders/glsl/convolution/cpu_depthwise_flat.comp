// builds: texel storage address
// Depthwise convolution forward on a CPU device (lavapipe), 2-D, narrow planes: channel-first x and y without gaps whose
// planes are whole vec4s, any kernel, stride, dilation and multiplier.
//
// Operands: x (vec4s), weight (floats, [channels][kh][kw]), bias, residual, y. One invocation makes a strip of k_rows whole
// rows of one channel, which lie one behind the other in memory: rows need not be whole vec4s. Lanes run over (image,
// channel, strip). Grid: x = ceil(units / local_size_x), units = n * channels * strips, strips = ceil(out_h / k_rows).
//
// Everything is unrolled, so taps beyond the left and right border cost nothing; vec4s above and below the plane are zeros.
// 4 rows of 14 with 3 x 3 taps: 22 vec4 loads for 14 vec4s of y. Each lane holds the weight of its own channel.
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
layout(constant_id = 11) const uint k_width = 14u; // of x
layout(constant_id = 12) const uint k_out_w = 14u;
// The lines of y are brought into the cache first.
layout(constant_id = 13) const bool k_touch = false;

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
  uint x_plane;  // vec4s
  uint y_plane;  // floats
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_touch.glsl"
#include "../lib/epilogue.glsl"

INPUT4(0, x)
INPUT1(1, weight)
INPUT1(2, bias)
INPUT4(3, residual)
OUTPUT4(4, y)
TOUCHABLE(5, y_old)

const uint k_count = k_kernel_h * k_kernel_w;
const uint k_span_h = (k_rows - 1u) * k_stride_h + (k_kernel_h - 1u) * k_dilation_h + 1u;
// Vec4s before those of the strip's own first row, and where the first row that taps reach begins in them.
const uint k_lead = (k_pad_h * k_width + 3u) / 4u;
const uint k_offset = k_lead * 4u - k_pad_h * k_width;
const uint k_texels = (k_offset + k_span_h * k_width + 3u) / 4u;

void main() {
  uint unit = gl_GlobalInvocationID.x;
  uint safe_unit = min(unit, push.units - 1u);
  uint plane = safe_unit / push.strips;
  uint strip = safe_unit - plane * push.strips;
  uint channel = plane % push.channels;
  uint x_start = (plane / k_multiplier) * push.x_plane;
  uint x_first = strip * (k_rows * k_stride_h * k_width / 4u) - k_lead;

  uint target = plane * push.y_plane + strip * (k_rows * k_out_w);
  if (k_touch) {
    [[unroll]] for (uint v = 0u; v < k_rows * k_out_w; v += 16u) {
      TOUCH(y_old, (target + v) >> 2u);
    }
  }

  float weights[k_count];
  [[unroll]] for (uint i = 0u; i < k_count; i++) {
    weights[i] = LOAD1(weight, channel * k_count + i);
  }
  vec4 window[k_texels];
  [[unroll]] for (uint i = 0u; i < k_texels; i++) {
    bool inside = x_first + i < push.x_plane;
#if defined(LOAD_TEXEL)
    window[i] = LOAD4(x, inside ? x_start + x_first + i : 0x07ffffffu);
#else
    vec4 value = LOAD4(x, inside ? x_start + x_first + i : 0u);
    window[i] = inside ? value : vec4(0.0);
#endif
  }

  float bias = k_has_bias ? LOAD1(bias, channel) : 0.0;
  uint first = strip * (k_rows * k_out_w);
  [[unroll]] for (uint v = 0u; v < k_rows * k_out_w; v += 4u) {
    // The last strip may reach past the plane.
    bool exists = first + v < push.y_plane;
    vec4 residual = k_has_residual ? LOAD4(residual, (exists ? target + v : target) >> 2u) : vec4(0.0);
    vec4 value;
    [[unroll]] for (uint p = 0u; p < 4u; p++) {
      uint row = (v + p) / k_out_w;
      uint column = (v + p) % k_out_w;
      float sum = 0.0;
      [[unroll]] for (uint kh = 0u; kh < k_kernel_h; kh++) {
        [[unroll]] for (uint kw = 0u; kw < k_kernel_w; kw++) {
          uint x_w = column * k_stride_w + kw * k_dilation_w - k_pad_w;
          if (x_w < k_width) {
            uint place = k_offset + (row * k_stride_h + kh * k_dilation_h) * k_width + x_w;
            sum += weights[kh * k_kernel_w + kw] * window[place / 4u][place % 4u];
          }
        }
      }
      value[p] = epilogue_value(sum, bias, residual[p]);
    }
    if (unit < push.units && exists) {
      STORE4(y, (target + v) >> 2u, value);
    }
  }
  if (k_touch) {
    TOUCHED(y)
  }
}
