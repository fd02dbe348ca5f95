// How kernels whose lanes lie side by side along a row read it: the vec4s under 8 outputs and what taps reach beside them.
//
// The kernel declares before: k_stride_w, k_dilation_w, k_kernel_w, k_pad_w, k_neighbors, the push word x_vecs (vec4s of a
// row) and the operand x. k_neighbors 1: a subgroup holds whole rows, and the columns beside a run come from the
// neighboring lanes; 2: the outermost lanes read theirs in one more load; 0: every lane reads all it needs.
// LANES_LOWEST, defined before: what stands outside x, where that is not 0; with it LANES_UNCHECKED, whether no result needs
// what a run's own loads find outside. LANES_WINDOW, defined before: the kernel has k_own, k_left and k_last itself.
// LANES_TEXELS, defined before: most vec4s in all.
#ifndef VKNN_CPU_LANES_GLSL
#define VKNN_CPU_LANES_GLSL

// Vec4s under a run and left of it, the last column that is read, and vec4s in all.
#ifndef LANES_WINDOW
const uint k_own = 2u * k_stride_w;
const uint k_left = (k_pad_w + 3u) / 4u;
const uint k_last = 4u * k_left + 7u * k_stride_w + (k_kernel_w - 1u) * k_dilation_w - k_pad_w;
#endif
const uint k_texels = k_last / 4u + 1u > k_left + k_own ? k_last / 4u + 1u : k_left + k_own;
// An array of k_texels could not be a parameter.
#ifndef LANES_TEXELS
#define LANES_TEXELS 12u
#endif
const uint k_most_texels = LANES_TEXELS;

#if defined(LANES_LOWEST)
vec4 load_x(uint row, uint texel, bool inside) {
  bool valid = inside && texel < push.x_vecs;
  vec4 value = LOAD4(x, valid ? row + texel : 0u);
  return valid ? value : vec4(LANES_LOWEST);
}
#define LANES_OWN(row, texel, inside) \
  (LANES_UNCHECKED ? LOAD4(x, (row) + min(texel, push.x_vecs - 1u)) : load_x(row, texel, inside))
#else
#define LANES_LOWEST 0.0
#define LANES_OWN(row, texel, inside) load_x(row, texel, inside)
vec4 load_x(uint row, uint texel, bool inside) {
  bool valid = inside && texel < push.x_vecs;
#if defined(LOAD_TEXEL)
  return LOAD4(x, valid ? row + texel : 0x07ffffffu);
#else
  vec4 value = LOAD4(x, valid ? row + texel : 0u);
  return valid ? value : vec4(0.0);
#endif
}
#endif

vec4 from_lane(vec4 value, uint lane) {
  return vec4(
    subgroupShuffle(value.x, lane),
    subgroupShuffle(value.y, lane),
    subgroupShuffle(value.z, lane),
    subgroupShuffle(value.w, lane)
  );
}

// The row that begins at vec4 `row`, around the run whose first own vec4 is `first`; LANES_LOWEST outside it.
void read_row(out vec4 window[k_most_texels], uint row, uint first, uint run, bool inside) {
  uint lane = gl_SubgroupInvocationID;
  if (k_neighbors == 0u) {
    [[unroll]] for (uint i = 0u; i < k_texels; i++) {
      window[i] = load_x(row, first + i - k_left, inside);
    }
    return;
  }
  [[unroll]] for (uint i = 0u; i < k_own; i++) {
    window[k_left + i] = LANES_OWN(row, first + i, inside);
  }
  vec4 outer = vec4(LANES_LOWEST);
  if (k_neighbors == 2u) {
    outer = load_x(row, lane < 4u ? first - 1u : first + k_own, inside);
  }
  [[unroll]] for (uint i = 0u; i < k_left; i++) {
    vec4 value = from_lane(window[k_own + i], (lane + 7u) & 7u);
    window[i] = k_neighbors == 2u && lane == 0u ? outer : run > 0u ? value : vec4(LANES_LOWEST);
  }
  [[unroll]] for (uint i = k_left + k_own; i < k_texels; i++) {
    vec4 value = from_lane(window[i - k_own], (lane + 1u) & 7u);
    bool valid = first + i - k_left < push.x_vecs;
    window[i] = k_neighbors == 2u && lane == 7u ? outer : valid ? value : vec4(LANES_LOWEST);
  }
}

#endif
