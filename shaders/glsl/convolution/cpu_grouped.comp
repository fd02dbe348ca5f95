// builds: texel storage address
// Grouped convolution forward on a CPU device (lavapipe), 2-D, wide rows: channel-first x and y with rows of whole vec4s,
// small kernel, any stride and dilation, some channels and filters in a group.
//
// Operands: x (vec4s), weight (packed by pack_weight over all filters: lane l of a block has filter 8 * block + l), bias,
// residual, y. One invocation makes 8 neighbors of one output row for k_filters filters of a group; the lanes of a
// subgroup lie side by side along the row (lib/cpu_lanes.glsl). A workgroup is as wide as a row and walks down rows.
// Grid: x = ceil(rows of a plane / rows of a workgroup), y = filters / k_filters, z = n.
//
// Per 4 input channels and kernel row 8 vec4s of x and kernel_w of weight for 64 * kernel_w * k_filters flops a lane.
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
layout(constant_id = 1) const uint k_filters = 4u; // 1, 2 or 4, made together
layout(constant_id = 2) const uint k_kernel_h = 3u;
layout(constant_id = 3) const uint k_kernel_w = 3u;
layout(constant_id = 4) const uint k_stride_h = 1u;
layout(constant_id = 5) const uint k_stride_w = 1u;
layout(constant_id = 6) const uint k_dilation_h = 1u;
layout(constant_id = 7) const uint k_dilation_w = 1u;
layout(constant_id = 8) const uint k_pad_w = 1u;
layout(constant_id = 9) const uint k_depth = 4u; // channels of a quad that are used
layout(constant_id = 10) const uint k_neighbors = 0u;
// Rows of y are whole runs of 8 that start at multiples of 8 floats; else of whole vec4s.
layout(constant_id = 11) const bool k_store_octets = false;
layout(constant_id = 12) const uint k_quads = 1u; // 4 input channels each, in a group

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t weight_address;
  uint64_t bias_address;
  uint64_t residual_address;
  uint64_t y_address;
#endif
  uint parts;           // rounds of a workgroup
  uint rows_per_part;   // more than one for rows that leave lanes over
  uint runs;            // ceil(out_w / 8)
  uint inputs;          // channels of a group
  uint filters;         // of a group
  uint x_step_n;        // vec4s
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
INPUT4(1, weight)
INPUT1(2, bias)
INPUT4(3, residual)
OUTPUT4(4, y)

#include "../lib/cpu_lanes.glsl"

void main() {
  // Zero, but not to the compiler: Mesa 22 would recompile for every value of a push constant in a loop condition.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint image = gl_WorkGroupID.z;
  uint filter_start = gl_WorkGroupID.y * k_filters;
  uint group = filter_start / push.filters;
  uint column = gl_LocalInvocationID.x;
  // A quotient of eight lanes needs no integer division, which Mesa makes one lane after another.
  uint beside = push.rows_per_part > 1u ? uint((float(column) + 0.5) / float(push.runs)) : 0u;
  uint run = column - beside * push.runs;
  bool live = run < push.runs && beside < push.rows_per_part;
  uint channel_step = push.x_height * push.x_vecs;
  uint x_group = image * push.x_step_n + group * push.inputs * channel_step;
  uint first = run * k_own;
  uint source = filter_start & 7u;
  uint weight_start = (filter_start >> 3u) * (k_quads * k_kernel_h * k_kernel_w * 8u) + lane;
  float bias[k_filters];
  [[unroll]] for (uint o = 0u; o < k_filters; o++) {
    bias[o] = k_has_bias ? LOAD1(bias, filter_start + o) : 0.0;
  }
  uint y_start = image * push.y_step_n + filter_start * push.y_step_c + run * 8u;
  uint end = push.parts + zero;
  for (uint part = 0u; part < end; part++) {
    uint out_h = (gl_WorkGroupID.x * push.parts + part) * push.rows_per_part + beside;
    uint x_h = out_h * k_stride_h - push.pad_h;
    float sums[k_filters * 8u];
    [[unroll]] for (uint i = 0u; i < k_filters * 8u; i++) {
      sums[i] = 0.0;
    }
    // One quad is no loop at all.
    uint quads = k_quads == 1u ? 1u : k_quads + zero;
    for (uint quad = 0u; quad < quads; quad++) {
      [[unroll]] for (uint kh = 0u; kh < k_kernel_h; kh++) {
        bool inside = x_h + kh * k_dilation_h < push.x_height;
        uint row = x_group + quad * 4u * channel_step + (x_h + kh * k_dilation_h) * push.x_vecs;
        vec4 factors[k_kernel_w];
        [[unroll]] for (uint kw = 0u; kw < k_kernel_w; kw++) {
          factors[kw] = LOAD4(weight, weight_start + ((kh * k_quads + quad) * k_kernel_w + kw) * 8u);
        }
        [[unroll]] for (uint j = 0u; j < k_depth; j++) {
          bool exists = k_quads == 1u || quad * 4u + j < push.inputs;
          vec4 window[k_most_texels];
          read_row(window, row + j * channel_step, first, run, inside && exists);
          [[unroll]] for (uint o = 0u; o < k_filters; o++) {
            [[unroll]] for (uint kw = 0u; kw < k_kernel_w; kw++) {
              float factor = subgroupShuffle(factors[kw][j], source + o);
              [[unroll]] for (uint p = 0u; p < 8u; p++) {
                uint place = 4u * k_left - k_pad_w + p * k_stride_w + kw * k_dilation_w;
                sums[o * 8u + p] += factor * window[place / 4u][place % 4u];
              }
            }
          }
        }
      }
    }

    if (live && out_h < push.out_h) {
      [[unroll]] for (uint o = 0u; o < k_filters; o++) {
        uint place = y_start + o * push.y_step_c + out_h * push.y_step_h;
        vec4 values[2];
        [[unroll]] for (uint v = 0u; v < 2u; v++) {
          // Half a run at the end of a row has no second vec4.
          bool exists = v == 0u || k_store_octets || run * 8u + 4u < push.out_w;
          vec4 residual = k_has_residual ? LOAD4(residual, (place >> 2u) + (exists ? v : 0u)) : vec4(0.0);
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            values[v][p] = epilogue_value(sums[o * 8u + v * 4u + p], bias[o], residual[p]);
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
