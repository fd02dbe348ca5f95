// builds: texel storage address
// Gradient of pooling whole planes to the input on a CPU device (lavapipe): float32, channel-first, planes of at least 8
// elements. Every element of a plane gets its share of one average, or the one element that was the maximum gets all.
//
// Operands: head (the gradient of the output, one float for each plane), places (int32; bound but unread for averages), dx.
// Index map: invocation i makes words 8i..8i+7 of dx, which lie in two planes at most: 2 or 4 loads for one store of 32
// bytes, which costs two thirds of two of 16.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool k_average = false;
// dx is whole octets: a masked store costs as much as one that stores.
layout(constant_id = 2) const bool k_octets = false;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t head_address;
  uint64_t places_address;
  uint64_t dx_address;
#endif
  uint count; // octets of dx, the last one perhaps in part
  uint total; // elements of dx
  uint planes;
  uint elements; // of a plane
  uint multiplier_elements;
  uint shifts;
} push;

#define STORE_PAIRS
#define STORE_OCTETS
#include "lib/cpu_load.glsl"
#include "lib/divide.glsl"
#include "lib/grid.glsl"

INPUT1(0, head)
INPUT1(1, places)
OUTPUT4(2, dx)

void main() {
  uint first = invocation_index() * 8u;
  uint plane = min(divide(first, push.multiplier_elements, push.shifts), push.planes - 1u);
  uint next = min(plane + 1u, push.planes - 1u);
  uint left = (plane + 1u) * push.elements - first; // elements that the first plane has left
  float here_value = LOAD1(head, plane);
  float next_value = LOAD1(head, next);
  float divisor = float(push.elements);
  vec4 values[2];
  if (k_average) {
    here_value /= divisor;
    next_value /= divisor;
    [[unroll]] for (uint k = 0u; k < 8u; k++) {
      values[k / 4u][k % 4u] = k < left ? here_value : next_value;
    }
  } else {
    // Counted from the first of the eight; a window without a maximum has no place, -1.
    int here_place = floatBitsToInt(LOAD1(places, plane));
    int next_place = floatBitsToInt(LOAD1(places, next));
    int here_at = here_place < 0 ? -1 : here_place + int(left) - int(push.elements);
    int next_at = next_place < 0 || next == plane ? -1 : next_place + int(left);
    [[unroll]] for (uint k = 0u; k < 8u; k++) {
      values[k / 4u][k % 4u] = here_at == int(k) ? here_value : (next_at == int(k) ? next_value : 0.0);
    }
  }
  if (first + 8u <= push.total) {
    STORE8(dx, first >> 3u, values[0], values[1]);
  } else if (!k_octets) {
    [[unroll]] for (uint k = 0u; k < 8u; k++) {
      if (first + k < push.total) {
        STORE1(dx, first + k, values[k / 4u][k % 4u]);
      }
    }
  }
}
