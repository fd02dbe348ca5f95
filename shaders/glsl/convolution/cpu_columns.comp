// builds: texel
// Convolution of channel-first rows on a CPU device with any kernel, stride and dilation, for drivers that inline texel loads
// (Mesa 22).
//
// The scheme of cpu_pointwise for kernels of any size: an invocation makes 8 outputs (units of k_join side by side) for
// k_channels channels. All that k_rows kernel rows of taps read is loaded once, before the loop over the output channels,
// straight from the image, padding included: it lies on the stack, and each value is the operand of every tap that reads it.
// The sums of one output channel are born and stored within a round. A kernel row is one of the weight's [inputs][kd][kh];
// more of them than k_rows take k_passes, with the sums in y.
//
// Operands: x (vec4s of 4 neighbors), weight (vec4s of 4 taps, [channels][passes][k_rows * k_kernel_w], each pass filled up to
// vec4s), bias, residual, y, y once more to be read. With k_sums y is [subgroup][channels][8 lanes][8], to be read by
// cpu_columns_finish; else the stored tensor. Grid: x = ceil(channels / k_channels), y = ceil(runs / 8); local size 8.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
// Output channels of a workgroup.
layout(constant_id = 1) const uint k_channels = 8u;
layout(constant_id = 2) const uint k_rows = 3u;
layout(constant_id = 3) const uint k_passes = 1u;
// 4 or 8 outputs side by side.
layout(constant_id = 4) const uint k_join = 8u;
layout(constant_id = 5) const uint k_kernel_d = 1u;
layout(constant_id = 6) const uint k_kernel_h = 3u;
layout(constant_id = 7) const uint k_kernel_w = 3u;
layout(constant_id = 8) const uint k_stride_w = 1u;
layout(constant_id = 9) const uint k_dilation_w = 1u;
layout(constant_id = 10) const uint k_pad_w = 1u;
// All 8 outputs of an invocation are stored at once, or each unit; whole units either way.
layout(constant_id = 11) const bool k_octets = true;
layout(constant_id = 12) const bool k_sums = false;
// Outputs that are made: fewer than 8 where a row is one unit and ends in it.
layout(constant_id = 13) const uint k_pixels = 8u;

layout(push_constant) uniform Push {
  uint rows;          // kernel rows in all
  uint x_depth;
  uint x_height;
  uint x_vecs;        // vec4s of a row of x
  uint x_step_n;      // vec4s
  uint x_step_c;
  uint x_step_d;
  uint x_step_h;
  uint stride_d;
  uint stride_h;
  uint dilation_d;
  uint dilation_h;
  uint pad_d;
  uint pad_h;
  uint units;
  uint units_per_row;
  uint out_h;
  uint out_d;
  uint channels;
  uint weight_step;   // vec4s of an output channel
  uint y_step_n;      // floats
  uint y_step_c;
  uint y_step_d;
  uint y_step_h;
} push;

#define STORE_PAIRS
#define STORE_OCTETS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_broadcast.glsl"
#include "../lib/cpu_touch.glsl"
#include "../lib/epilogue.glsl"
#include "columns_place.glsl"

INPUT4(0, x)
INPUT4(1, weight)
INPUT1(2, bias)
INPUT4(3, residual)
OUTPUT4(4, y)
TOUCHABLE(5, y_old)

const uint k_taps = k_rows * k_kernel_w;
const uint k_quads = (k_taps + 3u) / 4u;
// Loads of weights for an output channel. (Mesa 22 unrolls no loop that steps over its end in the first round.)
const uint k_weights = (k_quads + 7u) / 8u;
const uint k_plane_rows = k_kernel_d * k_kernel_h;
// Vec4s left of the first output's place, and of all that a unit reads in a row.
const uint k_left = (k_pad_w + 3u) / 4u;
const uint k_start = 4u * k_left - k_pad_w;
const uint k_texels = (k_start + (k_join - 1u) * k_stride_w + (k_kernel_w - 1u) * k_dilation_w) / 4u + 1u;

// Texels out of range are zero.
const uint NOWHERE = 0x07ffffffu;

void main() {
  // Zero, but not to the compiler.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint run = gl_WorkGroupID.y * 8u + lane;
  uint first_channel = gl_WorkGroupID.x * k_channels;
  Place places[k_units];
  uint targets[k_units];
  [[unroll]] for (uint v = 0u; v < k_units; v++) {
    Place at = place_of(run, v);
    places[v] = at;
    targets[v] = (at.image * push.y_step_n + at.d * push.y_step_d + at.h * push.y_step_h + at.w) / 4u;
  }
  uint target_step = push.y_step_c / 4u;
  if (k_sums) {
    targets[0] = (gl_WorkGroupID.y * push.channels * 8u + lane) * 2u;
    target_step = 16u;
  }

  for (uint pass = 0u; pass < k_passes + zero; pass++) {
    vec4 x[k_rows * k_units * k_texels];
    [[unroll]] for (uint i = 0u; i < k_rows; i++) {
      // Constants, but for the channel, where a pass is whole channels.
      bool whole = k_rows % k_plane_rows == 0u;
      uint row = pass * k_rows + i;
      uint c = whole ? pass * (k_rows / k_plane_rows) + i / k_plane_rows : row / k_plane_rows;
      uint tap = whole ? i % k_plane_rows : row % k_plane_rows;
      uint tap_d = tap / k_kernel_h;
      uint tap_h = tap % k_kernel_h;
      [[unroll]] for (uint v = 0u; v < k_units; v++) {
        Place at = places[v];
        // Unsigned wrap turns "in front of the image" into "past its end".
        uint d = at.d * push.stride_d + tap_d * push.dilation_d - push.pad_d;
        uint h = at.h * push.stride_h + tap_h * push.dilation_h - push.pad_h;
        uint w = at.w * k_stride_w / 4u - k_left;
        bool inside = row < push.rows && d < push.x_depth && h < push.x_height;
        uint start = at.image * push.x_step_n + c * push.x_step_c + d * push.x_step_d + h * push.x_step_h;
        [[unroll]] for (uint t = 0u; t < k_texels; t++) {
          x[(i * k_units + v) * k_texels + t] = LOAD4(x, inside && w + t < push.x_vecs ? start + w + t : NOWHERE);
        }
      }
    }
    for (uint o = 0u; o < k_channels + zero; o++) {
      // Behind the last, the last.
      uint channel = min(first_channel + o, push.channels - 1u);
      uint weight_index = channel * push.weight_step + pass * k_quads + lane;
      uint offset = channel * target_step;
      // What is there already: the sums of the last pass, or nothing but its cache lines.
      vec4 old[2];
      [[unroll]] for (uint i = 0u; i < 2u; i++) {
        uint unit = k_octets ? 0u : i * 4u / k_join;
        old[i] = LOAD4(y_old, targets[unit] + offset + (k_octets ? i : i * 4u % k_join / 4u));
      }
      float sums[8];
      [[unroll]] for (uint p = 0u; p < 8u; p++) {
        sums[p] = 0.0;
      }
      [[unroll]] for (uint each = 0u; each < k_weights; each++) {
        uint q = each * 8u;
        vec4 w = LOAD4(weight, pass * k_quads + q + lane < push.weight_step ? weight_index + q : NOWHERE);
        [[unroll]] for (uint h = 0u; h < 8u; h += 4u) {
          if (q + h < k_quads) {
            vec4 half_w = duplicate_half(w, zero + h);
            [[unroll]] for (uint t = 0u; t < 16u; t++) {
              uint k = (q + h) * 4u + t;
              if (k < k_taps) {
                float factor = broadcast_half(half_w[t & 3u], t >> 2u);
                [[unroll]] for (uint p = 0u; p < k_pixels; p++) {
                  uint unit = k / k_kernel_w * k_units + p / k_join;
                  uint place = k_start + p % k_join * k_stride_w + k % k_kernel_w * k_dilation_w;
                  sums[p] = sums[p] + factor * x[unit * k_texels + place / 4u][place % 4u];
                }
              }
            }
          }
        }
      }
      vec4 result[2];
      bool last = pass + 1u == k_passes;
      float bias = k_has_bias ? LOAD1(bias, channel) : 0.0;
      [[unroll]] for (uint i = 0u; i < 2u; i++) {
        uint unit = k_octets ? 0u : i * 4u / k_join;
        vec4 residual = k_has_residual ? LOAD4(residual, targets[unit] + offset + (k_octets ? i : i * 4u % k_join / 4u)) : vec4(0.0);
        [[unroll]] for (uint p = 0u; p < 4u; p++) {
          float sum = sums[i * 4u + p];
          if (k_passes > 1u) {
            // Added last, so that the sums need not wait for it.
            sum += pass == 0u ? 0.0 : old[i][p];
          }
          float value = epilogue_value(sum, bias, residual[p]);
          result[i][p] = last ? value : sum;
        }
        touched |= floatBitsToUint(old[i].x);
      }
      if (first_channel + o < push.channels) {
        if (k_octets) {
          if (run * k_units < push.units) {
            STORE8(y, (targets[0] + offset) / 2u, result[0], result[1]);
          }
        } else {
          [[unroll]] for (uint i = 0u; i < 2u; i++) {
            uint unit = i * 4u / k_join;
            if (run * k_units + unit < push.units) {
              STORE4(y, targets[unit] + offset + i * 4u % k_join / 4u, result[i]);
            }
          }
        }
      }
    }
  }
  TOUCHED(y)
}
