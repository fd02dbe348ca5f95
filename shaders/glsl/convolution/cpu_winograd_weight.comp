// builds: texel storage address
// Winograd on a CPU device, step 0, once a weight version: U = G g G^T for every pair of channels, in the order in which
// cpu_winograd_gemm reads it: vec4s of four input channels, [point][block][quads][8 lanes], lane = output channel in its
// block, zeros where a channel is absent.
//
// One invocation makes one row of points of four input channels of one output channel; lanes are output channels.
// Operands: weight (float, any strides), packed. Grid: x = min(ceil(total / local_size_x), 65535), y = k_tile, with
// total = blocks * quads * 8.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_tile = 6u;
layout(constant_id = 2) const uint k_kernel = 3u;
// For cpu_winograd_product instead: [point][group][quads][k_together][8 lanes], a lane's channels of a group being neighbors.
// 0, 4 or 8.
layout(constant_id = 3) const uint k_together = 0u;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t weight_address;
  uint64_t packed_address;
#endif
  uint total;
  uint quads;
  uint inputs;
  uint channels;
  uint step_o;        // strides of the weight in floats
  uint step_i;
  uint step_h;
  uint step_w;
  uint tap_quads;     // of the quads, those of one tap along the depth
  uint step_d;
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"
#include "../lib/winograd.glsl"

INPUT1(0, weight)
OUTPUT4(1, packed)

void main() {
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint total = push.total + zero;
  uint stride = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
  uint row = gl_WorkGroupID.y;
  float x = winograd_point(row);
  for (uint index = gl_GlobalInvocationID.x; index < total; index += stride) {
    uint rest = index >> 3u;
    uint block = rest / push.quads;
    uint quad = rest - block * push.quads;
    uint channel = block * 8u + (index & 7u);
    uint tap = quad / push.tap_quads;
    uint input_start = (quad - tap * push.tap_quads) * 4u;
    uint base = channel * push.step_o + input_start * push.step_i + tap * push.step_d;
    // One row of G times the kernel: its factors are powers of the point, the last point has the last row alone.
    vec4 taps[8];
    [[unroll]] for (uint k = 0u; k < k_kernel; k++) {
      taps[k] = vec4(0.0);
    }
    float factor = winograd_scale(k_tile, row);
    for (uint i = 0u; i < k_kernel + zero; i++) {
      bool last = i == k_kernel - 1u;
      float used = row == k_tile - 1u ? (last ? 1.0 : 0.0) : factor;
      [[unroll]] for (uint k = 0u; k < k_kernel; k++) {
        [[unroll]] for (uint j = 0u; j < 4u; j++) {
          bool valid = channel < push.channels && input_start + j < push.inputs;
          float element = LOAD1(weight, valid ? base + j * push.step_i + i * push.step_h + k * push.step_w : 0u);
          taps[k][j] += valid ? element * used : 0.0;
        }
      }
      factor *= x;
    }
    [[unroll]] for (uint q = 0u; q < k_tile; q++) {
      uint place = index;
      if (k_together > 0u) {
        uint group = channel / (8u * k_together);
        uint lane = channel / k_together & 7u;
        place = ((group * push.quads + quad) * k_together + channel % k_together) * 8u + lane;
      }
      STORE4(packed, (row * k_tile + q) * push.total + place, winograd_weight(k_tile, k_kernel, q, taps));
    }
  }
}
