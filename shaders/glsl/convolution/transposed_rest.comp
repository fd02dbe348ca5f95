// builds: storage texel
// The part of a transposed convolution that no tap reaches (a stride longer than the kernel, a dilation that shares a
// factor with the stride, the end of an input gradient): the activation of the bias, or zero.
// Index map: an invocation writes one pixel of one channel; of a group of phases, channels are `[c, phases]`.
// Local size 64 or 256: no cooperation; neighbors write neighboring blocks of a row.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

#include "lib/cpu_load.glsl"
#include "lib/epilogue.glsl"
#include "lib/grid.glsl"

INPUT1(0, bias)
OUTPUT4(1, y)

layout(push_constant) uniform Push {
  uint count;
  uint channels; // phases included
  uint out_d, out_h, out_w;
  uint output_n, output_c, output_d, output_h, output_w; // strides in elements
} push;

void main() {
  uint index = invocation_index();
  if (index < push.count) {
    uint w = index % push.out_w;
    uint rest = index / push.out_w;
    uint h = rest % push.out_h;
    rest /= push.out_h;
    uint d = rest % push.out_d;
    rest /= push.out_d;
    uint channel = rest % push.channels;
    uint n = rest / push.channels;
    float b = 0.0;
    if (k_has_bias) {
      b = LOAD1(bias, channel);
    }
    uint at = n * push.output_n +
      epilogue_offset(channel, d, h, w, push.output_c, push.output_d, push.output_h, push.output_w);
    STORE1(y, at, epilogue_value(0.0, b, 0.0));
  }
}
