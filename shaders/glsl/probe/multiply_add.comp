// The device's ceiling for float32 arithmetic: independent chains of multiply-adds in registers, no
// memory but one store per invocation. Benches draw the roofline with it.
// One invocation: 24 chains (enough to hide the latency of any device), 8 k_rounds steps each. Written out,
// since not every driver keeps an array that a loop indexes in registers.
#version 450

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint k_rounds = 32u;

layout(std430, binding = 0) writeonly buffer Output { float y[]; };
layout(push_constant) uniform Push { float factor; float shift; } push;

#define STEP a = a * m + s; b = b * m + s; c = c * m + s; d = d * m + s; e = e * m + s; f = f * m + s;

void main() {
  uint index = gl_GlobalInvocationID.x;
  float m = push.factor;
  float s = push.shift;
  vec4 a = vec4(float(index % 7u)) + vec4(0.0, 1.0, 2.0, 3.0);
  vec4 b = a + 4.0;
  vec4 c = a + 8.0;
  vec4 d = a + 12.0;
  vec4 e = a + 16.0;
  vec4 f = a + 20.0;
  for (uint at = 0u; at < k_rounds; at++) {
    STEP STEP STEP STEP STEP STEP STEP STEP
  }
  vec4 sum = a + b + c + d + e + f;
  y[index] = sum.x + sum.y + sum.z + sum.w;
}
