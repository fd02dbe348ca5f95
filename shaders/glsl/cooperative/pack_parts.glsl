// Eight numbers of a float32 tensor in two parts, for pack_input_parts.comp and pack_weight_parts.comp.

void split_octet(float x[8], uint magnitude, out uvec4 first, out uvec4 second) {
  float scale = uintBitsToFloat(uint(scale_exponent(magnitude) + 127) << 23);
  [[unroll]] for (uint i = 0u; i < 4u; i++) {
    vec2 pair = vec2(x[2u * i], x[2u * i + 1u]) * scale;
    // The first eleven significant bits, by their bits: compilers may take the rest of a conversion for zero.
    uvec2 bits = floatBitsToUint(pair);
    bvec2 finite = lessThan(bits & 0x7fffffffu, uvec2(0x7f800000u));
    vec2 high = mix(pair, uintBitsToFloat(bits & 0xffffe000u), finite);
    first[i] = packFloat2x16(f16vec2(high));
    // Nothing is left over of what is no number.
    second[i] = packFloat2x16(f16vec2(mix(vec2(0.0), pair - high, finite)));
  }
}
