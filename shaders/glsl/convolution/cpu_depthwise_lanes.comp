// builds: texel storage address
// Depthwise convolution forward on a CPU device (lavapipe), 2-D, wide rows: channel-first x and y with rows of whole
// vec4s, small kernel, any stride, dilation and multiplier.
//
// Operands: x (vec4s), weight (floats, [channels][kh][kw]), bias, residual, y. One invocation makes 8 neighbors of k_rows
// output rows of one channel; the lanes of a subgroup lie side by side along the rows, so that memory is read and written
// in order, which matters most for images beyond the caches. A workgroup is as wide as a row and walks down parts of
// strips of k_rows rows. Grid: x = ceil(parts of a plane / parts of a workgroup), y = output channels, z = n.
//
// lib/cpu_lanes.glsl tells how a row is read. 3 x 3 taps, stride 1, 4 rows: 12 vec4 loads for 8 vec4s of y. Stores of 32 bytes
// a lane cost two thirds of those of 16 in Mesa's loop over the lanes.
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
layout(constant_id = 2) const uint k_kernel_h = 3u;
layout(constant_id = 3) const uint k_kernel_w = 3u;
layout(constant_id = 4) const uint k_stride_h = 1u;
layout(constant_id = 5) const uint k_stride_w = 1u;
layout(constant_id = 6) const uint k_dilation_h = 1u;
layout(constant_id = 7) const uint k_dilation_w = 1u;
layout(constant_id = 8) const uint k_pad_w = 1u;
layout(constant_id = 9) const uint k_multiplier = 1u;
layout(constant_id = 10) const uint k_neighbors = 0u;
// Rows of y are whole runs of 8 that start at multiples of 8 floats; else of whole vec4s.
layout(constant_id = 11) const bool k_store_octets = false;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t weight_address;
  uint64_t bias_address;
  uint64_t residual_address;
  uint64_t y_address;
#endif
  uint parts;           // rounds of a workgroup
  uint strips_per_part; // more than one for rows that leave lanes over
  uint strips;
  uint runs;            // ceil(out_w / 8)
  uint x_height;
  uint x_vecs;          // vec4s of a row of x
  uint pad_h;
  uint out_h;
  uint out_w;
  uint y_step_n; // floats; the strides of the stored tensor
  uint y_step_c;
  uint y_step_h;
} push;

#define STORE_PAIRS
#define STORE_OCTETS
#include "../lib/cpu_load.glsl"
#include "../lib/epilogue.glsl"

INPUT4(0, x)
INPUT1(1, weight)
INPUT1(2, bias)
INPUT4(3, residual)
OUTPUT4(4, y)

const uint k_count = k_kernel_h * k_kernel_w;
const uint k_weights = (k_count + 7u) / 8u;
const uint k_span_h = (k_rows - 1u) * k_stride_h + (k_kernel_h - 1u) * k_dilation_h + 1u;

#include "../lib/cpu_lanes.glsl"

void main() {
  // Zero, but not to the compiler: Mesa 22 would recompile for every value of a push constant in a loop condition.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint image = gl_WorkGroupID.z;
  uint channel = gl_WorkGroupID.y;
  uint column = gl_LocalInvocationID.x;
  // A quotient of eight lanes needs no integer division, which Mesa makes one lane after another.
  uint beside = push.strips_per_part > 1u ? uint((float(column) + 0.5) / float(push.runs)) : 0u;
  uint run = column - beside * push.runs;
  bool live = run < push.runs && beside < push.strips_per_part;
  uint x_plane = (image * (gl_NumWorkGroups.y / k_multiplier) + channel / k_multiplier) * push.x_height;
  uint first = run * k_own;

  // Spread over the lanes, which all have the same channel.
  float weights[k_weights];
  [[unroll]] for (uint i = 0u; i < k_weights; i++) {
    weights[i] = LOAD1(weight, channel * k_count + min(i * 8u + lane, k_count - 1u));
  }
  float bias = k_has_bias ? LOAD1(bias, channel) : 0.0;
  uint y_start = image * push.y_step_n + channel * push.y_step_c + run * 8u;
  uint end = push.parts + zero;
  for (uint part = 0u; part < end; part++) {
    uint strip = (gl_WorkGroupID.x * push.parts + part) * push.strips_per_part + beside;
    uint out_h = strip * k_rows;
    uint x_h = out_h * k_stride_h - push.pad_h;
    float sums[k_rows * 8u];
    [[unroll]] for (uint i = 0u; i < k_rows * 8u; i++) {
      sums[i] = 0.0;
    }
    [[unroll]] for (uint r = 0u; r < k_span_h; r++) {
      bool inside = x_h + r < push.x_height;
      uint row = (x_plane + x_h + r) * push.x_vecs;
      vec4 window[k_most_texels];
      read_row(window, row, first, run, inside);
      [[unroll]] for (uint o = 0u; o < k_rows; o++) {
        [[unroll]] for (uint kh = 0u; kh < k_kernel_h; kh++) {
          if (o * k_stride_h + kh * k_dilation_h == r) {
            [[unroll]] for (uint kw = 0u; kw < k_kernel_w; kw++) {
              uint tap = kh * k_kernel_w + kw;
              float factor = subgroupShuffle(weights[tap / 8u], tap % 8u);
              [[unroll]] for (uint p = 0u; p < 8u; p++) {
                uint place = 4u * k_left - k_pad_w + p * k_stride_w + kw * k_dilation_w;
                sums[o * 8u + p] += factor * window[place / 4u][place % 4u];
              }
            }
          }
        }
      }
    }

    if (live && strip < push.strips) {
      uint target = y_start + out_h * push.y_step_h;
      [[unroll]] for (uint o = 0u; o < k_rows; o++) {
        if (out_h + o < push.out_h) {
          uint place = target + o * push.y_step_h;
          vec4 values[2];
          [[unroll]] for (uint v = 0u; v < 2u; v++) {
            // Half a run at the end of a row has no second vec4.
            bool exists = v == 0u || k_store_octets || run * 8u + 4u < push.out_w;
            vec4 residual = k_has_residual ? LOAD4(residual, (place >> 2u) + (exists ? v : 0u)) : vec4(0.0);
            [[unroll]] for (uint p = 0u; p < 4u; p++) {
              values[v][p] = epilogue_value(sums[o * 8u + v * 4u + p], bias, residual[p]);
            }
          }
          if (k_store_octets) {
            STORE8(y, place >> 3u, values[0], values[1]);
          } else {
            STORE4(y, place >> 2u, values[0]);
            if (run * 8u + 4u < push.out_w) {
              STORE4(y, (place >> 2u) + 1u, values[1]);
            }
          }
        }
      }
    }
  }
}
