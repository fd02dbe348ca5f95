// Stores of a whole subgroup whose lanes lie side by side, at an address that all lanes share.
//
// Mesa 22 stores in a loop over the lanes, with seven stores for every sixteen bytes, unless it can prove that all lanes
// have the same address: then it stores what the first lane has, without a loop. It believes only constants and push
// words, but any entry of an array of push words. So an address goes digit by digit through a table of them, and a shuffle
// with a constant index, which costs nothing, names what the first lane would have to store. A third of the time.
// Only outside of loops and conditions, where no lane may be switched off: elsewhere Mesa makes its loop again.
//
//   IDENTITY_TABLE                      the last member of the kernel's push block: words identity_0 to identity_7
//   SHARED_IF(condition, value)         value, below 2^27; both are the same for all lanes
//   STORE4_LANES(name, condition, index, value)  the vec4 of each lane at index + lane, where index is even, a SHARED_IF of
//                                       the condition and more push words; OUTPUT4 with STORE_OCTETS declares name
#ifndef VKNN_CPU_STORE_LANES_GLSL
#define VKNN_CPU_STORE_LANES_GLSL

#if defined(LOAD_TEXEL)

#define IDENTITY_TABLE uint identity[8];
// What lies past the end of a buffer is not stored.
#define SHARED_IF(condition, value) shared_value((condition) ? (value) : 0x07ffffffu)
#define STORE4_LANES(name, condition, index, value) { \
    u64vec2 pairs = two_pairs(value); \
    [[unroll]] for (uint each = 0u; each < 8u; each += 2u) { \
      name##_octets[((index) + each) >> 1u] = u64vec4( \
        subgroupShuffle(pairs.x, each), subgroupShuffle(pairs.y, each), \
        subgroupShuffle(pairs.x, each + 1u), subgroupShuffle(pairs.y, each + 1u) \
      ); \
    } \
  }
#define SHARED_VALUE_FUNCTION \
  uint shared_value(uint value) { \
    uint result = 0u; \
    [[unroll]] for (uint digit = 0u; digit < 27u; digit += 3u) { \
      result |= push.identity[(value >> digit) & 7u] << digit; \
    } \
    return result; \
  }

#else

#define IDENTITY_TABLE
#define SHARED_IF(condition, value) (value)
#define STORE4_LANES(name, condition, index, value) \
  if (condition) { \
    STORE4(name, (index) + gl_SubgroupInvocationID, value); \
  }
#define SHARED_VALUE_FUNCTION

#endif

#endif
