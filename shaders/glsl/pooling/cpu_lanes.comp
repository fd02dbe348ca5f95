// builds: texel storage address
// Max pooling of wide rows on a CPU device (lavapipe): float32, channel-first, 2-D windows, rows of whole vec4s.
//
// Operands: x and y, [planes][height][width]. One invocation makes 8 neighbors of k_rows rows; the lanes of a subgroup lie
// side by side along the rows (lib/cpu_lanes.glsl), so that memory is read and written in order. A workgroup is as wide as
// a row and walks down parts of strips of k_rows rows. Grid: x = ceil(parts of a plane / parts of a workgroup), y = planes.
//
// Every maximum is of a number of x and of one that is no NaN, which is one instruction; NaN and what lies outside never win. With 3 x 3
// windows of stride 2 and 4 rows 36 vec4 loads make 8 vec4s.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_spirv_intrinsics : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_rows = 4u;
layout(constant_id = 2) const uint k_kernel_h = 3u;
layout(constant_id = 3) const uint k_kernel_w = 3u;
layout(constant_id = 4) const uint k_stride_h = 1u;
layout(constant_id = 5) const uint k_stride_w = 1u;
layout(constant_id = 6) const uint k_pad_w = 1u;
layout(constant_id = 7) const uint k_neighbors = 0u;
// Rows of y are whole runs of 8; else of whole vec4s.
layout(constant_id = 8) const bool k_store_octets = false;
// No window reads behind the end of a row, and each has a row of x.
layout(constant_id = 9) const bool k_whole = false;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
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
} push;

const uint k_dilation_w = 1u;
const uint k_span_h = (k_rows - 1u) * k_stride_h + k_kernel_h;

#define STORE_PAIRS
#define STORE_OCTETS
#define LANES_LOWEST k_lowest
#define LANES_UNCHECKED k_whole
#include "lib/cpu_load.glsl"

INPUT4(0, x)
OUTPUT4(1, y)

const float k_lowest = k_half_x ? -65504.0 : -3.402823466e38;

#include "lib/cpu_lanes.glsl"

// Of a number and NaN the number (NMax). A comparison and a choice would stay two instructions.
spirv_instruction(set = "GLSL.std.450", id = 80) float larger(float a, float b);

void main() {
  // Zero, but not to the compiler: Mesa 22 would recompile for every value of a push constant in a loop condition.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint plane = gl_WorkGroupID.y;
  uint column = gl_LocalInvocationID.x;
  // A quotient of eight lanes needs no integer division, which Mesa makes one lane after another.
  uint beside = push.strips_per_part > 1u ? uint((float(column) + 0.5) / float(push.runs)) : 0u;
  uint run = column - beside * push.runs;
  bool live = run < push.runs && beside < push.strips_per_part;
  uint first = run * k_own;
  uint end = push.parts + zero;
  for (uint part = 0u; part < end; part++) {
    uint strip = (gl_WorkGroupID.x * push.parts + part) * push.strips_per_part + beside;
    uint out_h = strip * k_rows;
    uint x_h = out_h * k_stride_h - push.pad_h;
    float best[k_rows * 8u];
    [[unroll]] for (uint i = 0u; i < k_rows * 8u; i++) {
      best[i] = k_lowest;
    }
    [[unroll]] for (uint r = 0u; r < k_span_h; r++) {
      vec4 window[k_most_texels];
      // A row outside is as good as the nearest one, which is in the same window.
      uint row = k_whole ? uint(clamp(int(x_h + r), 0, int(push.x_height) - 1)) : x_h + r;
      read_row(window, (plane * push.x_height + row) * push.x_vecs, first, run, k_whole || row < push.x_height);
      float across[8];
      [[unroll]] for (uint p = 0u; p < 8u; p++) {
        uint start = 4u * k_left - k_pad_w + p * k_stride_w;
        across[p] = k_lowest;
        [[unroll]] for (uint kw = 0u; kw < k_kernel_w; kw++) {
          across[p] = larger(across[p], window[(start + kw) / 4u][(start + kw) % 4u]);
        }
      }
      [[unroll]] for (uint o = 0u; o < k_rows; o++) {
        if (r >= o * k_stride_h && r - o * k_stride_h < k_kernel_h) {
          [[unroll]] for (uint p = 0u; p < 8u; p++) {
            best[o * 8u + p] = larger(across[p], best[o * 8u + p]);
          }
        }
      }
    }

    if (live && strip < push.strips) {
      [[unroll]] for (uint o = 0u; o < k_rows; o++) {
        if (out_h + o < push.out_h) {
          uint place = (plane * push.out_h + out_h + o) * push.out_w + run * 8u;
          vec4 low = vec4(best[o * 8u], best[o * 8u + 1u], best[o * 8u + 2u], best[o * 8u + 3u]);
          vec4 high = vec4(best[o * 8u + 4u], best[o * 8u + 5u], best[o * 8u + 6u], best[o * 8u + 7u]);
          if (k_store_octets) {
            STORE8(y, place >> 3u, low, high);
          } else {
            STORE4(y, place >> 2u, low);
            if (run * 8u + 4u < push.out_w) {
              STORE4(y, (place >> 2u) + 1u, high);
            }
          }
        }
      }
    }
  }
}
