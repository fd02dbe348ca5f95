// builds: storage texel
// Gradient of a normalization by its input: with h the head, n the normalized x and means over what a statistic covers,
// inverse deviation * (h - mean(h) - n * mean(h n)). Gamma multiplies the heads (k_weighted, where one statistic covers
// several parameters) or the result.
// Index map: invocation i makes elements 4i..4i+3, as in apply.comp; 8 bytes read per 4 written.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

layout(constant_id = 3) const uint k_stat = 0u; // as in maps.glsl
layout(constant_id = 4) const uint k_parameter = 0u;
layout(constant_id = 5) const bool k_weighted = false;
layout(constant_id = 6) const bool k_gamma = true; // else gamma counts as 1

#include "lib/grid.glsl"
#include "lib/words.glsl"
#include "maps.glsl"

QUADS(0, head)
QUADS(1, x)
QUADS(2, mean)
QUADS(3, deviation)
QUADS(4, gamma)
QUADS(5, sums)
layout(set = 0, binding = 6) writeonly buffer Output { vec4 quads[]; } result;

layout(push_constant) uniform Push {
  MAPS
  uint quad_count;
  uint last; // index of the last element
  uint stats; // their number: where the sums of products begin
  float share; // 1 / elements of a statistic
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
  vec4 scale = k_gamma ? GATHER(gamma, k_parameter, at) : vec4(1.0);
  vec4 inverse = GATHER(deviation, k_stat, stat);
  vec4 normal = (uintBitsToFloat(QUAD(x, i)) - GATHER(mean, k_stat, stat)) * inverse;
  vec4 h = uintBitsToFloat(QUAD(head, i));
  if (k_weighted) {
    h *= scale;
  } else {
    inverse *= scale;
  }
  // The second half of the sums need not begin at a quad.
  uvec4 products = stat + push.stats;
  const uint kind = k_stat == k_neighbors ? k_single : k_stat;
  if (k_stat == k_neighbors) {
    products = uvec4(stat.x + push.stats) + uvec4(0u, 1u, 2u, 3u);
  }
  vec4 means = GATHER(sums, k_stat, stat) * push.share;
  result.quads[i] = inverse * (h - means - normal * (GATHER(sums, kind, products) * push.share));
}
