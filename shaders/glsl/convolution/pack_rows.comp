// builds: texel
// Repacks a convolution weight for cpu_columns: float weight with any strides -> vec4s of four taps, [channels][passes][taps],
// where the taps [inputs][kd][kh][kw] of an output channel are cut into passes of equal length and each is filled up to
// vec4s with zeros.
//
// Index map: one invocation makes vec4s index, index + invocations, ... Runs once a weight version. Operands: weight, packed.
// Grid: x = min(ceil(total / local_size_x), 65535).
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

layout(push_constant) uniform Push {
  uint total;         // vec4s of the packed weight
  uint quads;         // of a pass
  uint passes;
  uint pass_taps;
  uint taps;          // of an output channel
  uint kernel_d;
  uint kernel_h;
  uint kernel_w;
  uint step_o;        // strides of the weight in floats
  uint step_i;
  uint step_d;
  uint step_h;
  uint step_w;
} push;

#include "../lib/cpu_load.glsl"

INPUT1(0, weight)
OUTPUT4(1, packed)

void main() {
  uint total = push.total + (gl_LocalInvocationIndex >> 20u);
  uint stride = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
  for (uint index = gl_GlobalInvocationID.x; index < total; index += stride) {
    uint rest = index / push.quads;
    uint first = (index - rest * push.quads) * 4u;
    uint channel = rest / push.passes;
    uint pass = rest - channel * push.passes;
    vec4 value;
    for (uint j = 0u; j < 4u; j++) {
      uint tap = pass * push.pass_taps + first + j;
      bool valid = first + j < push.pass_taps && tap < push.taps;
      uint kernel_row = tap / push.kernel_w;
      uint kw = tap - kernel_row * push.kernel_w;
      uint plane = kernel_row / push.kernel_h;
      uint kh = kernel_row - plane * push.kernel_h;
      uint c = plane / push.kernel_d;
      uint kd = plane - c * push.kernel_d;
      uint from = channel * push.step_o + c * push.step_i + kd * push.step_d + kh * push.step_h + kw * push.step_w;
      float element = LOAD1(weight, valid ? from : 0u);
      value[j] = valid ? element : 0.0;
    }
    STORE4(packed, index, value);
  }
}
