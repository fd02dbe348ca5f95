// How the matrix product of a weight gradient gathers its operands: the next step is read into registers, and stored in
// shared memory once the step before has been multiplied.

// Row (pixel of a step) and column (filter or tap) of load i in a tile of some width; of quads, the first row. Four loads after
// another are neighboring columns of one pixel, which are stored at once.
uint row_of(uint i, uint width) {
  return k_channel_last ? (thread + i * k_threads) / width : thread % k_tile_k;
}

uint column_of(uint i, uint width) {
  return k_channel_last ? (thread + i * k_threads) % width
    : (thread + i / 4u * k_threads) / k_tile_k * 4u + i % 4u;
}

bool outside(uint what) {
  return (k_bounds & what) != 0u;
}

uint quad_column(uint i) {
  return (thread + i * k_threads) / k_quads;
}

// Image, d, h, w of a pixel counted over all images.
uvec4 place_of(uint column) {
  uint n = divide(column, push.pixels_multiplier, push.shifts & 31u);
  uint pixel = column - n * push.pixels;
  uint row = divide(pixel, push.out_w_multiplier, (push.shifts >> 10) & 31u);
  uint d = divide(row, push.out_h_multiplier, (push.shifts >> 5) & 31u);
  return uvec4(n, d, row - d * push.out_h, pixel - row * push.out_w);
}

uint place_m(uvec4 place) {
  return place.x * push.g_n + place.y * push.g_d + place.z * push.g_h + place.w * push.g_w;
}

void load_m(uint first, uint last, uint filter_base, uint filter_first) {
  if (k_quads_m) {
    uint column = first + thread % k_quads * 4u;
    uint n = divide(min(column, push.columns - 4u), push.pixels_multiplier, push.shifts & 31u);
    uint at = n * push.g_n + column - n * push.pixels;
    [[unroll]] for (uint i = 0u; i < k_loads_m / 4u; i++) {
      uint filter_index = filter_first + quad_column(i);
      bool inside = (!outside(32u) || column < last) && (!outside(8u) || filter_index < push.group_filters);
      vec4 four = LOAD4(gradient, inside ? (at + (filter_base + filter_index) * push.g_c) >> 2 : 0u);
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        next_m[i * 4u + j] = inside ? four[j] : 0.0;
      }
    }
    return;
  }
  uint at = place_m(place_of(min(first + thread % k_tile_k, push.columns - 1u)));
  [[unroll]] for (uint i = 0u; i < k_loads_m; i++) {
    uint column = first + row_of(i, k_tile_m);
    if (k_channel_last) {
      at = place_m(place_of(min(column, push.columns - 1u)));
    }
    uint filter_index = filter_first + column_of(i, k_tile_m);
    bool inside = (!outside(32u) || column < last) && (!outside(8u) || filter_index < push.group_filters);
    float value = LOAD1(gradient, inside ? at + (filter_base + filter_index) * push.g_c : 0u);
    next_m[i] = inside ? value : 0.0;
  }
}

void load_n(uint first, uint last) {
  if (k_quads_n) {
    uint column = first + thread % k_quads * 4u;
    uint n = divide(min(column, push.columns - 4u), push.pixels_multiplier, push.shifts & 31u);
    uint at = n * push.x_n + column - n * push.pixels;
    [[unroll]] for (uint i = 0u; i < k_loads_n / 4u; i++) {
      bool inside = (!outside(16u) || own_inside[i]) && (!outside(32u) || column < last);
      vec4 four = LOAD4(x, inside ? (at + own_base[i]) >> 2 : 0u);
      [[unroll]] for (uint j = 0u; j < 4u; j++) {
        next_n[i * 4u + j] = inside ? four[j] : 0.0;
      }
    }
    return;
  }
  const uvec3 strides = uvec3(k_stride_d, k_stride_h, k_stride_w);
  uvec4 place = place_of(min(first + thread % k_tile_k, push.columns - 1u));
  uvec3 window = place.yzw * strides;
  uint at = place.x * push.x_n + window.x * push.x_d + window.y * push.x_h + window.z * push.x_w;
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    uint column = first + row_of(i, k_tile_n);
    if (k_channel_last) {
      place = place_of(min(column, push.columns - 1u));
      window = place.yzw * strides;
      at = place.x * push.x_n + window.x * push.x_d + window.y * push.x_h + window.z * push.x_w;
    }
    uint own = k_channel_last ? 0u : i;
    // In front of the input these wrap below 0, and so fail the unsigned comparison.
    uvec3 at_tap = window + own_tap[own];
    bool inside = (!outside(16u) || own_inside[own]) && (!outside(32u) || column < last) &&
      (!outside(1u) || at_tap.x < push.in_d) && (!outside(2u) || at_tap.y < push.in_h) &&
      (!outside(4u) || at_tap.z < push.in_w);
    float value = LOAD1(x, inside ? at + own_base[own] : 0u);
    next_n[i] = inside ? value : 0.0;
  }
}

void load_next(uint first, uint last, uint filter_base, uint filter_first) {
  load_m(first, last, filter_base, filter_first);
  load_n(first, last);
}

void store_next(uint half_index) {
  uint base_m = half_index * k_tile_k * k_row_m;
  uint base_n = half_index * k_tile_k * k_row_n;
  [[unroll]] for (uint i = 0u; i < k_loads_m; i++) {
    uint column = k_quads_m ? quad_column(i / 4u) : column_of(i, k_tile_m);
    uint row = k_quads_m ? thread % k_quads * 4u + i % 4u : row_of(i, k_tile_m);
    if (k_quads_m || k_channel_last) {
      tile_m[base_m + row * k_row_m + column / 4u][column % 4u] = next_m[i];
    } else if (i % 4u == 0u) {
      tile_m[base_m + row * k_row_m + column / 4u] = vec4(next_m[i], next_m[i + 1u], next_m[i + 2u], next_m[i + 3u]);
    }
  }
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    uint column = k_quads_n ? quad_column(i / 4u) : column_of(i, k_tile_n);
    uint row = k_quads_n ? thread % k_quads * 4u + i % 4u : row_of(i, k_tile_n);
    if (k_quads_n || k_channel_last) {
      tile_n[base_n + row * k_row_n + column / 4u][column % 4u] = next_n[i];
    } else if (i % 4u == 0u) {
      tile_n[base_n + row * k_row_n + column / 4u] = vec4(next_n[i], next_n[i + 1u], next_n[i + 2u], next_n[i + 3u]);
    }
  }
}
