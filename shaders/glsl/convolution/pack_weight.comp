// builds: texel storage address
// Repacks a convolution weight for the CPU kernels: float weight with any strides (channel-first or channel-last) ->
// vec4s of four input channels, [block][kd][kh][kw / taps][quads][taps][8 lanes], lane = output channel in its block,
// zeros where a channel or a tap is absent (blocks * 8 >= channels, quads * 4 >= inputs, tap_groups * taps >= kernel_w).
//
// One invocation makes one vec4. Runs once a weight version. Operands: weight, packed.
// Grid: x = min(ceil(total / local_size_x), 65535), total = blocks * kernel_d * kernel_h * tap_groups * quads * taps * 8.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif

layout(local_size_x_id = 0) in;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t weight_address;
  uint64_t packed_address;
#endif
  uint total;         // vec4s of the packed weight
  uint kernel_d;
  uint kernel_h;
  uint kernel_w;
  uint tap_groups;
  uint taps;
  uint quads;
  uint inputs;        // input channels of the weight
  uint channels;      // output channels packed
  uint channel_start; // first output channel (a group's offset)
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
    uint rest = index >> 3u;
    uint lane = index & 7u;
    uint tap = rest % push.taps;
    rest /= push.taps;
    uint quad = rest % push.quads;
    rest /= push.quads;
    uint kw = (rest % push.tap_groups) * push.taps + tap;
    rest /= push.tap_groups;
    uint kh = rest % push.kernel_h;
    rest /= push.kernel_h;
    uint kd = rest % push.kernel_d;
    uint channel = (rest / push.kernel_d) * 8u + lane;
    uint base = (channel + push.channel_start) * push.step_o + kd * push.step_d + kh * push.step_h + kw * push.step_w;
    vec4 value;
    for (uint j = 0u; j < 4u; j++) {
      uint channel_in = quad * 4u + j;
      bool valid = channel < push.channels && channel_in < push.inputs && kw < push.kernel_w;
      float element = LOAD1(weight, valid ? base + channel_in * push.step_i : 0u);
      value[j] = valid ? element : 0.0;
    }
    STORE4(packed, index, value);
  }
}
