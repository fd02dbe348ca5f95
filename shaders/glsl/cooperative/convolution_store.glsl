// The end of convolution.comp: sums go through shared memory, one row of matrices of each subgroup at a time, and from
// there with bias, residual and activation to their places.

float bias_of(uint channel) {
  float b = 0.0;
  if (k_has_bias) {
    b = float(bias.values[channel]);
  }
  return b;
}

float residual_at(uint at) {
  float r = 0.0;
  if (k_has_residual) {
    r = float(residual.values[at]);
  }
  return r;
}

// Eight neighbors of the result, from an aligned element on.
void store_octet(uint at, float y[8]) {
#ifdef BUILD_FLOAT
  result_octets.octets[at >> 2] = floatBitsToUint(vec4(y[0], y[1], y[2], y[3]));
  result_octets.octets[(at >> 2) + 1u] = floatBitsToUint(vec4(y[4], y[5], y[6], y[7]));
#else
  uvec4 words;
  [[unroll]] for (uint i = 0u; i < 4u; i++) {
    words[i] = packFloat2x16(f16vec2(float16_t(y[2u * i]), float16_t(y[2u * i + 1u])));
  }
  result_octets.octets[at >> 3] = words;
#endif
}

float strip_value(uint base, uint row, uint column) {
  return uintBitsToFloat(pool[base + row * k_strip_row + column / 4u][column % 4u]);
}

// The strip of a subgroup as halves, one at a time.
void store_halves(uint base, uint filter_first, uint column_first, uint channel_base) {
  for (uint unit = gl_SubgroupInvocationID; unit < k_m * k_strip; unit += k_subgroup) {
    uint index = filter_first + unit / k_strip;
    uint column = column_first + unit % k_strip;
    if (index < push.group_filters && column < push.columns) {
      uvec4 place = column_place(column);
      uint at = place.x * push.output_n +
        epilogue_offset(channel_base + index, place.y, place.z, place.w,
          push.output_c, push.output_d, push.output_h, push.output_w);
      float sum = strip_value(base, unit / k_strip, unit % k_strip);
      result.values[at] = VALUE(epilogue_value(sum, bias_of(channel_base + index), residual_at(at)));
    }
  }
}

// Eight columns are neighbors in memory: channel-first, rows without gaps, pixels a multiple of 8, no shuffle.
void store_columns(uint base, uint filter_first, uint column_first, uint channel_base) {
  [[unroll]] for (uint unit = 0u; unit < k_m * k_strip / 8u; unit += k_subgroup) {
    uint own = unit + gl_SubgroupInvocationID;
    uint row = own / (k_strip / 8u);
    uint column = own % (k_strip / 8u) * 8u;
    uint channel = channel_base + filter_first + row;
    if (own < k_m * k_strip / 8u && filter_first + row < push.group_filters && column_first + column < push.columns) {
      uint n = divide(column_first + column, push.pixels_multiplier, push.shifts & 31u);
      uint at = n * push.output_n + column_first + column - n * push.pixels + channel * push.output_c;
      float b = bias_of(channel);
      float y[8];
      [[unroll]] for (uint i = 0u; i < 2u; i++) {
        vec4 sum = uintBitsToFloat(pool[base + row * k_strip_row + column / 4u + i]);
        [[unroll]] for (uint j = 0u; j < 4u; j++) {
          y[4u * i + j] = epilogue_value(sum[j], b, residual_at(at + 4u * i + j));
        }
      }
      store_octet(at, y);
    }
  }
}

// Eight filters are neighbors in memory: channel-last, channels of a group a multiple of 8, no shuffle.
void store_filters(uint base, uint filter_first, uint column_first, uint channel_base) {
  [[unroll]] for (uint unit = 0u; unit < k_m * k_strip / 8u; unit += k_subgroup) {
    uint own = unit + gl_SubgroupInvocationID;
    uint row = own % (k_m / 8u) * 8u;
    uint column = own / (k_m / 8u);
    uint channel = channel_base + filter_first + row;
    if (own < k_m * k_strip / 8u && filter_first + row < push.group_filters && column_first + column < push.columns) {
      uvec4 place = column_place(column_first + column);
      uint at = place.x * push.output_n + place.y * push.output_d + place.z * push.output_h +
        place.w * push.output_w + channel;
      float y[8];
      [[unroll]] for (uint i = 0u; i < 8u; i++) {
        y[i] = epilogue_value(strip_value(base, row + i, column), bias_of(channel + i), residual_at(at + i));
      }
      store_octet(at, y);
    }
  }
}

void store_tile(uint filter_first, uint column_first, uint channel_base) {
  const uint across = k_tile_n / k_strip;
  uint base = gl_SubgroupID * (k_m * k_strip_row);
  uint own_filter = filter_first + gl_SubgroupID / across * (k_rows * k_m);
  uint column = column_first + gl_SubgroupID % across * k_strip;
  [[unroll]] for (uint r = 0u; r < k_rows; r++) {
    [[unroll]] for (uint c = 0u; c < k_cols; c++) {
      coopMatStore(sums[r * k_cols + c], pool, base + c * (k_n / 4u), k_strip_row, gl_CooperativeMatrixLayoutRowMajor);
    }
    barrier();
    if (k_store == 1u) {
      store_columns(base, own_filter + r * k_m, column, channel_base);
    } else if (k_store == 2u) {
      store_filters(base, own_filter + r * k_m, column, channel_base);
    } else {
      store_halves(base, own_filter + r * k_m, column, channel_base);
    }
    barrier();
  }
}

// Sums of some of the taps: [part][filter, padded][column, padded].
void store_part(uint tile_m, uint tile_n, uint part) {
  const uint across = k_tile_n / k_strip;
  uint stride = push.tiles_n * k_tile_n;
  uint row = (part * push.tiles_m + tile_m) * k_tile_m + gl_SubgroupID / across * (k_rows * k_m);
  uint column = tile_n * k_tile_n + gl_SubgroupID % across * k_strip;
  [[unroll]] for (uint r = 0u; r < k_rows; r++) {
    [[unroll]] for (uint c = 0u; c < k_cols; c++) {
      coopMatStore(sums[r * k_cols + c], result_part.values, (row + r * k_m) * stride + column + c * k_n, stride,
        gl_CooperativeMatrixLayoutRowMajor);
    }
  }
}
