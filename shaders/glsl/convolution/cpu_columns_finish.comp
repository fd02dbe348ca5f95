// builds: texel
// What cpu_columns leaves where sums cannot wait in the stored tensor: bias, residual and activation, and the map of a
// result to its place.
//
// Index map: invocation (lane) of workgroup (x, y) takes the 8 sums of run y * 8 + lane for k_channels channels from
// x * k_channels on. Operands: sums ([subgroup][channels][8 lanes][8]), bias, residual, y, y once more to be read, residual once
// more as vec4s. Grid: x = ceil(channels / k_channels), y = ceil(runs / 8); local size 8.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_channels = 8u;
layout(constant_id = 2) const uint k_join = 8u;
// Units are whole, and what lies side by side in y (k_shuffle_w channels of a unit, interleaved) begins at multiples of 4 floats.
layout(constant_id = 3) const bool k_vector_store = true;

layout(push_constant) uniform Push {
  uint units;
  uint units_per_row;
  uint out_h;
  uint out_d;
  uint out_w;
  uint channels;
  uint y_step_n;      // floats
  uint y_step_c;
  uint y_step_d;
  uint y_step_h;
  uint y_step_w;
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_touch.glsl"
#include "../lib/epilogue.glsl"
#include "columns_place.glsl"

INPUT4(0, sums)
INPUT1(1, bias)
INPUT14(2, 5, residual)
OUTPUT4(3, y)
TOUCHABLE(4, y_old)

void main() {
  // Zero, but not to the compiler: Mesa 22 would recompile for every value of a push constant in a loop condition.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint lane = gl_SubgroupInvocationID;
  uint run = gl_WorkGroupID.y * 8u + lane;
  uint first_channel = gl_WorkGroupID.x * k_channels;
  Place places[k_units];
  [[unroll]] for (uint v = 0u; v < k_units; v++) {
    places[v] = place_of(run, v);
  }
  uint index = ((gl_WorkGroupID.y * push.channels + first_channel) * 8u + lane) * 2u;
  uint end = min(k_channels, push.channels - first_channel) + zero;
  // Channels that lie side by side in y.
  const uint together = k_vector_store ? k_shuffle_w : 1u;
  for (uint o = 0u; o < end; o += together) {
    uint channel = first_channel + o;
    [[unroll]] for (uint i = 0u; i < 2u; i++) {
      Place at = places[i * 4u / k_join];
      uint w = at.w + i * 4u % k_join;
      bool valid = run * k_units + i * 4u / k_join < push.units;
      uint start = at.image * push.y_step_n;
      if (k_vector_store) {
        uint target = (start + epilogue_offset(channel, at.d, at.h, w, push.y_step_c, push.y_step_d, push.y_step_h, push.y_step_w)) >> 2u;
        vec4 values[k_shuffle_w];
        [[unroll]] for (uint c = 0u; c < k_shuffle_w; c++) {
          vec4 sum = LOAD4(sums, index + c * 16u + i);
          float bias = k_has_bias ? LOAD1(bias, channel + c) : 0.0;
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            uint to = p * k_shuffle_w + c;
            values[to / 4u][to % 4u] = sum[p] + bias;
          }
        }
        [[unroll]] for (uint c = 0u; c < k_shuffle_w; c++) {
          TOUCH(y_old, target + c);
          vec4 residual = k_has_residual ? LOAD4(residual, target + c) : vec4(0.0);
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            values[c][p] = epilogue_value(values[c][p], 0.0, residual[p]);
          }
          if (valid) {
            STORE4(y, target + c, values[c]);
          }
        }
      } else {
        vec4 sum = LOAD4(sums, index + i);
        float bias = k_has_bias ? LOAD1(bias, channel) : 0.0;
        [[unroll]] for (uint p = 0u; p < 4u; p++) {
          uint target = start + epilogue_offset(channel, at.d, at.h, w + p, push.y_step_c, push.y_step_d, push.y_step_h, push.y_step_w);
          if (valid && w + p < push.out_w) {
            float residual = k_has_residual ? LOAD1(residual, target) : 0.0;
            STORE1(y, target, epilogue_value(sum[p], bias, residual));
          }
        }
      }
    }
    index += 16u * together;
  }
  if (k_vector_store) {
    TOUCHED(y)
  }
}
