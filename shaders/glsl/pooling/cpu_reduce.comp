// builds: texel storage address
// Global pooling on a CPU device: float32, channel-first, whole planes in one stage.
//
// Operands: x, [planes][elements]; y, [planes]. Invocation i reduces plane i from the vec4s that overlap it; what belongs
// to its neighbors is masked. A plane of E elements needs E / 4 + 1 vec4 loads, where single elements would need E
// loads of nearly the same cost. Sums go by the place of an element in its vec4, so their order is fixed.
// No shared memory, no barrier; local size only sets how many planes share a coroutine frame.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef LOAD_ADDRESS
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif

layout(local_size_x_id = 0) in;

// 0 maximum, 1 average, 2 place of the maximum
layout(constant_id = 3) const uint k_kind = 0u;

layout(push_constant) uniform Push {
#ifdef LOAD_ADDRESS
  uint64_t x_address;
  uint64_t y_address;
#endif
  uint planes;
  uint elements; // of a plane
  uint last;     // index of the last vec4 of x
} push;

#include "lib/cpu_load.glsl"
#include "lib/grid.glsl"
#include "scan.glsl"

INPUT4(0, x)
OUTPUT4(1, y)

void main() {
  uint plane = min(invocation_index(), push.planes - 1u);
  uint first = plane * push.elements;
  uint quad = first >> 2;
  // Place of the vec4's first element in the plane; below 0 where the plane begins inside.
  int place = -int(first & 3u);
  int end = int(push.elements);
  // One more than most planes need: the count must not depend on where a plane begins.
  uint rounds = ((push.elements + 6u) >> 2) + opaque_zero();
  Scan scan = scan_start();
  vec4 sums = vec4(0.0);
  for (uint round = 0u; round < rounds; round++) {
    vec4 x = LOAD4(x, min(quad, push.last));
    [[unroll]] for (int j = 0; j < 4; j++) {
      bool valid = uint(place + j) < uint(end);
      if (k_kind == 1u) {
        sums[j] += valid ? x[j] : 0.0;
      } else if (k_kind == 0u && !k_propagate) {
        bool wins = valid && x[j] > scan.best && !scan_nan(x[j]);
        scan.best = wins ? x[j] : scan.best;
      } else {
        scan_take(scan, x[j], place + j, valid);
      }
    }
    quad++;
    place += 4;
  }
  float sum = (sums.x + sums.y) + (sums.z + sums.w);
  float value = k_kind == 1u ? sum / float(end) : (k_kind == 2u ? intBitsToFloat(scan.place) : scan.best);
  if (invocation_index() < push.planes) {
    STORE1(y, plane, value);
  }
}
