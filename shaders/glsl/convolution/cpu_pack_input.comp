// builds: texel storage address
// Repacks an image for cpu_forward: float x with any strides -> vec4s [n][d][h][channels / 4][width], zero padding
// included, so that the convolution never tests a border and reads four channels a load.
//
// One invocation makes the vec4s of quads_per_group channel quads at one place; lanes run along the width. No arithmetic:
// the loop over quads shares the divisions. Operands: x, packed.
// Grid: x = ceil(width / local_size_x), y = ceil(quads / quads_per_group), z = min(rows, 65535), rows = n * depth *
// height of the packed (padded) image. Local size 64, or less when the width is less: a lane past the width is idle.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

layout(local_size_x_id = 0) in;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t packed_address;
#endif
  uint rows;          // n * depth * height
  uint depth;         // padded sizes
  uint height;
  uint width;
  uint quads;
  uint quads_per_group;
  uint pad_d;         // zeros in front
  uint pad_h;
  uint pad_w;
  uint x_depth;       // sizes of x
  uint x_height;
  uint x_width;
  uint channels;
  uint channel_start; // first channel (a group's offset)
  uint x_step_n;      // strides of x in floats
  uint x_step_c;
  uint x_step_d;
  uint x_step_h;
  uint x_step_w;
} push;

#define STORE_PAIRS
#include "../lib/cpu_load.glsl"

INPUT1(0, x)
OUTPUT4(1, packed)

void main() {
  uint zero = gl_LocalInvocationIndex >> 20u;
  uint w = gl_GlobalInvocationID.x;
  uint first_quad = gl_WorkGroupID.y * push.quads_per_group;
  uint end_quad = min(first_quad + push.quads_per_group, push.quads) + zero;
  uint rows = push.rows + zero;
  // Unsigned wrap turns "in front of the image" into "past its end".
  uint x_w = w - push.pad_w;
  for (uint row = gl_WorkGroupID.z; row < rows; row += gl_NumWorkGroups.z) {
    uint plane = row / push.height;
    uint x_h = row - plane * push.height - push.pad_h;
    uint image = plane / push.depth;
    uint x_d = plane - image * push.depth - push.pad_d;
    bool inside = x_w < push.x_width && x_h < push.x_height && x_d < push.x_depth;
    uint base = image * push.x_step_n + x_d * push.x_step_d + x_h * push.x_step_h + x_w * push.x_step_w;
    uint target = (row * push.quads + first_quad) * push.width + w;
    for (uint quad = first_quad; quad < end_quad; quad++) {
      vec4 value;
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        uint channel = quad * 4u + j;
        bool valid = inside && channel < push.channels;
        uint index = valid ? base + (channel + push.channel_start) * push.x_step_c : 0u;
        float element = LOAD1(x, index);
        value[j] = valid ? element : 0.0;
      }
      if (w < push.width) {
        STORE4(packed, target, value);
      }
      target += push.width;
    }
  }
}
