// Broadcasts of a weight vector that is spread over the eight lanes of a subgroup.
//
// A shuffle over all eight lanes costs more than two multiply-adds on a CPU, one within four lanes almost nothing, so
// each half is first copied to both halves.
#ifndef VKNN_CPU_BROADCAST_GLSL
#define VKNN_CPU_BROADCAST_GLSL

// Lanes start..start + 3 of each component in both halves. `start` (0 or 4) must hide from the compiler, which would else
// join this shuffle and the next into one.
vec4 duplicate_half(vec4 value, uint start) {
  uint source = start + (gl_SubgroupInvocationID & 3u);
  return vec4(
    subgroupShuffle(value.x, source),
    subgroupShuffle(value.y, source),
    subgroupShuffle(value.z, source),
    subgroupShuffle(value.w, source)
  );
}

// The value of lane `place` (0 to 3, constant) of each half, in all lanes of the half.
float broadcast_half(float value, uint place) {
  return subgroupShuffle(value, (gl_SubgroupInvocationID & 4u) + place);
}

#endif
