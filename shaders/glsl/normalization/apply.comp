// builds: storage texel
// Normalization by known statistics: y = (x - mean) * inverse deviation * gamma + beta.
// Index map: invocation i makes elements 4i..4i+3; 4 bytes read per 4 written, statistics and parameters come from the
// cache. Buffers are padded to 16 bytes, so the last quad needs no case of its own.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const uint k_stat = 0u; // as in maps.glsl
layout(constant_id = 4) const uint k_parameter = 0u;
// Whether the second statistic is the variance; else it is the inverse deviation already.
layout(constant_id = 5) const bool k_variance = false;
layout(constant_id = 6) const bool k_gamma = true; // else gamma counts as 1

#include "lib/grid.glsl"
#include "lib/words.glsl"
#include "maps.glsl"

QUADS(0, x)
QUADS(1, mean)
QUADS(2, deviation)
QUADS(3, gamma)
QUADS(4, beta)
layout(set = 0, binding = 5) writeonly buffer Output { vec4 quads[]; } result;

layout(push_constant) uniform Push {
  MAPS
  uint quad_count;
  uint last; // index of the last element
  float epsilon;
} push;

void main() {
  uint i = invocation_index();
  if (i >= push.quad_count) {
    return;
  }
  uvec4 e = min(uvec4(4u * i) + uvec4(0u, 1u, 2u, 3u), uvec4(push.last));
  uvec4 stat = uvec4(STAT_INDEX(e.x));
  if (k_stat == k_single) {
    stat.yzw = uvec3(STAT_INDEX(e.y), STAT_INDEX(e.z), STAT_INDEX(e.w));
  }
  uvec4 at = uvec4(PARAMETER_INDEX(e.x));
  if (k_parameter == k_single) {
    at.yzw = uvec3(PARAMETER_INDEX(e.y), PARAMETER_INDEX(e.z), PARAMETER_INDEX(e.w));
  }
  vec4 scale = GATHER(deviation, k_stat, stat);
  if (k_variance) {
    scale = 1.0 / sqrt(scale + push.epsilon);
  }
  if (k_gamma) {
    scale *= GATHER(gamma, k_parameter, at);
  }
  // The mean is taken off first: x and mean may be large and nearly equal.
  vec4 centered = uintBitsToFloat(QUAD(x, i)) - GATHER(mean, k_stat, stat);
  result.quads[i] = centered * scale + GATHER(beta, k_parameter, at);
}
