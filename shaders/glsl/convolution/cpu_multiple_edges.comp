// builds: texel storage address
// What cpu_multiple leaves: results of a one-dimensional convolution with one channel a group that share a vec4 of y with
// the row before or behind. At most three at each end of a row.
//
// Index map: one subgroup for a row of y; lanes 0..3 take its first results, 4..7 its last. Grid: x = filters, y = n.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_kernel_w = 3u;
layout(constant_id = 2) const uint k_stride_w = 1u;
layout(constant_id = 3) const uint k_dilation_w = 1u;
layout(constant_id = 4) const uint k_pad_w = 1u;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t weight_address;
  uint64_t bias_address;
  uint64_t residual_address;
  uint64_t y_address;
#endif
  uint filters; // of a channel
  uint x_width;
  uint out_w;
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"
#include "../lib/epilogue.glsl"

INPUT1(0, x)
INPUT1(1, weight)
INPUT1(2, bias)
INPUT1(3, residual)
OUTPUT4(4, y)

void main() {
  uint lane = gl_LocalInvocationID.x;
  uint own = gl_WorkGroupID.x;
  uint row = gl_WorkGroupID.y * gl_NumWorkGroups.x + own;
  uint channel = row / push.filters;
  uint start = row * push.out_w;
  bool ahead = lane < 4u;
  uint w = ahead ? lane : push.out_w + 3u - lane;
  uint heads = (4u - (start & 3u)) & 3u;
  uint tails = (start + push.out_w) & 3u;
  bool edge = ahead ? lane < heads : lane - 4u < tails;
  edge = edge && w < push.out_w;
  float sum = 0.0;
  [[unroll]] for (uint k = 0u; k < k_kernel_w; k++) {
    uint at = w * k_stride_w + k * k_dilation_w - k_pad_w;
    bool inside = edge && at < push.x_width;
    float value = LOAD1(x, channel * push.x_width + (inside ? at : 0u));
    sum += LOAD1(weight, own * k_kernel_w + k) * (inside ? value : 0.0);
  }
  if (edge) {
    float bias = k_has_bias ? LOAD1(bias, own) : 0.0;
    float residual = k_has_residual ? LOAD1(residual, start + w) : 0.0;
    STORE1(y, start + w, epilogue_value(sum, bias, residual));
  }
}
