// builds: texel
// 1x1 convolution with weights on the stack (cpu_winograd_product), last step: bias, residual and activation, and the way
// from sums that lie pixel by pixel to channel-first planes.
//
// One invocation makes 4 neighboring pixels of 16 channels, four at a time. Operands: sums ([n][pixel][step] floats), bias,
// residual, y, y once more to be read, residual once more as vec4s. Grid: x = ceil(plane / 32), y = ceil(channels / 16),
// z = n; local size 8.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x_id = 0) in;
// Planes are whole vec4s.
layout(constant_id = 1) const bool k_vector_store = true;

layout(push_constant) uniform Push {
  uint plane;         // pixels
  uint step;          // floats of the sums of a pixel
  uint channels;
  uint y_step_n;      // floats
  uint y_step_c;
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"
#include "../lib/cpu_touch.glsl"
#include "../lib/epilogue.glsl"

INPUT4(0, sums)
INPUT1(1, bias)
INPUT14(2, 5, residual)
OUTPUT4(3, y)
TOUCHABLE(4, y_old)

void main() {
  // Zero, but not to the compiler: Mesa 22 would recompile for every value of a push constant in a loop condition.
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint pixel = gl_GlobalInvocationID.x * 4u;
  uint image = gl_WorkGroupID.z;
  uint first_channel = gl_WorkGroupID.y * 16u;
  for (uint o = 0u; o < 16u + zero; o += 4u) {
    vec4 sums[4];
    [[unroll]] for (uint p = 0u; p < 4u; p++) {
      uint row = image * push.plane + min(pixel + p, push.plane - 1u);
      sums[p] = LOAD4(sums, (row * push.step + first_channel + o) / 4u);
    }
    [[unroll]] for (uint f = 0u; f < 4u; f++) {
      uint channel = first_channel + o + f;
      float bias = k_has_bias ? LOAD1(bias, min(channel, push.channels - 1u)) : 0.0;
      uint target = image * push.y_step_n + channel * push.y_step_c + pixel;
      if (channel < push.channels && pixel < push.plane) {
        if (k_vector_store) {
          TOUCH(y_old, target / 4u);
          vec4 residual = k_has_residual ? LOAD4(residual, target / 4u) : vec4(0.0);
          vec4 value;
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            value[p] = epilogue_value(sums[p][f], bias, residual[p]);
          }
          STORE4(y, target / 4u, value);
        } else {
          [[unroll]] for (uint p = 0u; p < 4u; p++) {
            if (pixel + p < push.plane) {
              float residual = k_has_residual ? LOAD1(residual, target + p) : 0.0;
              STORE1(y, target + p, epilogue_value(sums[p][f], bias, residual));
            }
          }
        }
      }
    }
  }
  if (k_vector_store) {
    TOUCHED(y)
  }
}
