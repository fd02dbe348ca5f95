// builds: texel storage address
// Convolution forward of few filters on a CPU device (lavapipe): at most 4 filters a group, channel-first x with rows of
// whole vec4s, any kernel, stride and dilation. Kernels that spread filters over lanes would leave most of them idle.
//
// Operands: x (vec4s), weight (floats, [filters][channels of a group][kd][kh][kw]), bias, residual, y. One invocation makes
// 8 neighbors of k_rows output rows for all k_filters filters of a group, and walks over the channels; the lanes of a
// subgroup lie side by side along the rows (lib/cpu_lanes.glsl). Grid: x = ceil(strips of a plane / strips of a workgroup) *
// workgroups of a row, y = groups, z = n * out_d.
//
// The weights of one channel and kernel plane are spread over the lanes and handed out by shuffles with constant indices.
// Per channel with 5 x 5 taps, 1 filter and 4 rows: 24 vec4 loads for 800 multiply-adds of 8 lanes.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_rows = 4u;
layout(constant_id = 2) const uint k_filters = 1u;
layout(constant_id = 3) const uint k_kernel_d = 1u;
layout(constant_id = 4) const uint k_kernel_h = 3u;
layout(constant_id = 5) const uint k_kernel_w = 3u;
layout(constant_id = 6) const uint k_stride_h = 1u;
layout(constant_id = 7) const uint k_stride_w = 1u;
layout(constant_id = 8) const uint k_dilation_h = 1u;
layout(constant_id = 9) const uint k_dilation_w = 1u;
layout(constant_id = 10) const uint k_pad_w = 1u;
layout(constant_id = 11) const uint k_neighbors = 0u;
// Rows of y are whole vec4s; else every result is stored alone.
layout(constant_id = 12) const bool k_vector_store = false;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t weight_address;
  uint64_t bias_address;
  uint64_t residual_address;
  uint64_t y_address;
#endif
  uint columns;         // workgroups of a row; 1 with several strips a part
  uint strips_per_part; // more than one for rows that leave lanes over
  uint strips;
  uint runs;            // ceil(out_w / 8)
  uint channels;        // of a group
  uint x_depth;
  uint x_height;
  uint x_vecs;          // vec4s of a row of x
  uint stride_d;
  uint dilation_d;
  uint pad_d;
  uint pad_h;
  uint out_d;
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

const uint k_plane = k_kernel_h * k_kernel_w;
const uint k_weights = (k_filters * k_plane + 7u) / 8u;
const uint k_span_h = (k_rows - 1u) * k_stride_h + (k_kernel_h - 1u) * k_dilation_h + 1u;

#include "../lib/cpu_lanes.glsl"

void main() {
  // Zero, but not to the compiler: Mesa 22 would recompile for every value of a push constant in a loop condition.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint image = gl_WorkGroupID.z / push.out_d;
  uint out_d = gl_WorkGroupID.z - image * push.out_d;
  uint group = gl_WorkGroupID.y;
  uint part = gl_WorkGroupID.x / push.columns;
  uint column = (gl_WorkGroupID.x - part * push.columns) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  // A quotient of eight lanes needs no integer division, which Mesa makes one lane after another.
  uint beside = push.strips_per_part > 1u ? uint((float(column) + 0.5) / float(push.runs)) : 0u;
  uint run = column - beside * push.runs;
  bool live = run < push.runs && beside < push.strips_per_part;
  uint strip = part * push.strips_per_part + beside;
  uint out_h = strip * k_rows;
  uint x_h = out_h * k_stride_h - push.pad_h;
  uint x_d = out_d * push.stride_d - push.pad_d;
  uint first = run * k_own;
  uint planes = push.channels * k_kernel_d;

  uint places[k_weights];
  [[unroll]] for (uint i = 0u; i < k_weights; i++) {
    uint own = min(i * 8u + lane, k_filters * k_plane - 1u);
    uint filter_own = own / k_plane;
    places[i] = (group * k_filters + filter_own) * planes * k_plane + own - filter_own * k_plane;
  }
  float sums[k_filters * k_rows * 8u];
  [[unroll]] for (uint i = 0u; i < k_filters * k_rows * 8u; i++) {
    sums[i] = 0.0;
  }
  uint channel = (image * gl_NumWorkGroups.y + group) * push.channels;
  uint kd = 0u;
  uint end = planes + zero;
  for (uint plane = 0u; plane < end; plane++) {
    float weights[k_weights];
    [[unroll]] for (uint i = 0u; i < k_weights; i++) {
      weights[i] = LOAD1(weight, places[i] + plane * k_plane);
    }
    uint d = x_d + kd * push.dilation_d;
    uint rows_first = (channel * push.x_depth + d) * push.x_height + x_h;
    [[unroll]] for (uint r = 0u; r < k_span_h; r++) {
      bool inside = x_h + r < push.x_height && d < push.x_depth;
      vec4 window[k_most_texels];
      read_row(window, (rows_first + r) * push.x_vecs, first, run, inside);
      [[unroll]] for (uint o = 0u; o < k_rows; o++) {
        [[unroll]] for (uint kh = 0u; kh < k_kernel_h; kh++) {
          if (o * k_stride_h + kh * k_dilation_h == r) {
            [[unroll]] for (uint f = 0u; f < k_filters; f++) {
              [[unroll]] for (uint kw = 0u; kw < k_kernel_w; kw++) {
                uint tap = f * k_plane + kh * k_kernel_w + kw;
                float factor = subgroupShuffle(weights[tap / 8u], tap % 8u);
                [[unroll]] for (uint p = 0u; p < 8u; p++) {
                  uint place = 4u * k_left - k_pad_w + p * k_stride_w + kw * k_dilation_w;
                  sums[(f * k_rows + o) * 8u + p] += factor * window[place / 4u][place % 4u];
                }
              }
            }
          }
        }
      }
    }
    kd++;
    bool wrap = kd == k_kernel_d;
    kd = wrap ? 0u : kd;
    channel += wrap ? 1u : 0u;
  }

  if (live && strip < push.strips) {
    uint image_start = image * push.y_step_n;
    [[unroll]] for (uint f = 0u; f < k_filters; f++) {
      uint filter_own = group * k_filters + f;
      float bias = k_has_bias ? LOAD1(bias, filter_own) : 0.0;
      [[unroll]] for (uint o = 0u; o < k_rows; o++) {
        if (out_h + o < push.out_h) {
          if (k_vector_store) {
            uint target = image_start + filter_own * push.y_step_c + out_d * push.y_step_d +
              (out_h + o) * push.y_step_h + run * 8u;
            [[unroll]] for (uint p = 0u; p < 8u; p += 4u) {
              if (p == 0u || run * 8u + p < push.out_w) {
                vec4 value;
                [[unroll]] for (uint j = 0u; j < 4u; j++) {
                  float residual = k_has_residual ? LOAD1(residual, target + p + j) : 0.0;
                  value[j] = epilogue_value(sums[(f * k_rows + o) * 8u + p + j], bias, residual);
                }
                STORE4(y, (target + p) >> 2u, value);
              }
            }
          } else {
            [[unroll]] for (uint p = 0u; p < 8u; p++) {
              if (run * 8u + p < push.out_w) {
                uint target = image_start + epilogue_offset(filter_own, out_d, out_h + o, run * 8u + p, push.y_step_c, push.y_step_d, push.y_step_h, push.y_step_w);
                float residual = k_has_residual ? LOAD1(residual, target) : 0.0;
                STORE1(y, target, epilogue_value(sums[(f * k_rows + o) * 8u + p], bias, residual));
              }
            }
          }
        }
      }
    }
  }
}
