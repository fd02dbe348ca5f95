// Gradients C of the columns of a chunk, as vectors of four channels: number `quad` counts (group, tap, quad of channels).
//
// k_planes: planes [image][channel][output], as products of CPU devices are; else [image][output][channel]. Strides and
// places are in floats either way. The chunk has `items_per_image` outputs of each of its images.
#ifndef VKNN_DEFORMABLE_GRADIENT_GLSL
#define VKNN_DEFORMABLE_GRADIENT_GLSL

#ifdef LOAD_TEXEL
const bool k_planes = true;
#define COLUMNS(binding) INPUT1(binding, columns)
#define COLUMN_QUAD(at) vec4(0.0)
#else
layout(constant_id = 11) const bool k_planes = false;
#define COLUMNS(binding) INPUT14(binding, binding, columns)
#define COLUMN_QUAD(at) LOAD4(columns, (at) >> 2u)
#endif

#define COLUMN_GRADIENT(at) (k_planes \
  ? vec4(LOAD1(columns, at), LOAD1(columns, (at) + push.column_k), LOAD1(columns, (at) + 2u * push.column_k), \
      LOAD1(columns, (at) + 3u * push.column_k)) \
  : COLUMN_QUAD(at))

#endif
