// Fills a buffer with one word (or one element repeated over a word).
// Index map: invocation i writes words 4i..4i+3; buffers are padded to 16 bytes, so the tail needs no case of its own.
// Local size 64: no cooperation, small tail.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

#include "lib/grid.glsl"

layout(set = 0, binding = 0) writeonly buffer Output { uvec4 quads[]; } result;

layout(push_constant) uniform Push {
  uint quad_count;
  uint word;
} push;

void main() {
  uint i = invocation_index();
  if (i < push.quad_count) {
    result.quads[i] = uvec4(push.word);
  }
}
