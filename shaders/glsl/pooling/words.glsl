// Operands as 32-bit words, in three builds from one source (as lib/cpu_load.glsl, but bits instead of floats, so that
// one shader reads float32, pairs of float16 and indices).
//
//   INPUT_WORDS(slot, name)    declares a read-only operand (name_texel1)
//   OUTPUT_WORDS(slot, name)   declares the result
//   WORD(name, index)          word at index
//   SET_WORD(name, index, w)   writes a word
//   SET_QUAD(name, index, q)   writes four words, at four times the index
//
// LOAD_ADDRESS: the push block begins with one uint64_t NAME_address for each operand.
#ifndef VKNN_POOLING_WORDS_GLSL
#define VKNN_POOLING_WORDS_GLSL

#if defined(LOAD_ADDRESS)

layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer read_reference {
  uint words[];
};
layout(buffer_reference, std430, buffer_reference_align = 4) writeonly buffer write_reference {
  uint words[];
};
layout(buffer_reference, std430, buffer_reference_align = 16) writeonly buffer write_quad_reference {
  uvec4 quads[];
};
#define INPUT_WORDS(slot, name)
#define OUTPUT_WORDS(slot, name)
#define WORD(name, index) read_reference(push.name##_address).words[index]
#define SET_WORD(name, index, value) write_reference(push.name##_address).words[index] = (value)
#define SET_QUAD(name, index, value) write_quad_reference(push.name##_address).quads[index] = (value)

#else

#if defined(LOAD_TEXEL)
// The mask keeps the sign bit of the byte offset clear, which spares sign extensions.
#define INPUT_WORDS(slot, name) layout(set = 0, binding = slot, r32f) readonly uniform imageBuffer name##_texel1;
#define WORD(name, index) floatBitsToUint(imageLoad(name##_texel1, int((index) & 0x1fffffffu)).x)
#else
#define INPUT_WORDS(slot, name) layout(set = 0, binding = slot) readonly buffer name##_block { uint name##_words[]; };
#define WORD(name, index) name##_words[index]
#endif

#define OUTPUT_WORDS(slot, name) \
  layout(set = 0, binding = slot) writeonly buffer name##_block { uint name##_words[]; }; \
  layout(set = 0, binding = slot) writeonly buffer name##_quad_block { uvec4 name##_quads[]; };
#define SET_WORD(name, index, value) name##_words[index] = (value)
#define SET_QUAD(name, index, value) name##_quads[index] = (value)

#endif

#endif
