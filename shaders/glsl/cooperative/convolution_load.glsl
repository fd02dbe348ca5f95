// The operands of convolution.comp on their way from buffers over registers into shared memory.

// Image, d, h, w of a column.
uvec4 column_place(uint column) {
  uint n = divide(column, push.pixels_multiplier, push.shifts & 31u);
  uint pixel = column - n * push.pixels;
  uint row = divide(pixel, push.out_w_multiplier, (push.shifts >> 10) & 31u);
  uint d = divide(row, push.out_h_multiplier, (push.shifts >> 5) & 31u);
  return uvec4(n, d, row - d * push.out_h, pixel - row * push.out_w);
}

// Row of an octet in a shared tile of taps, counted by octets: eight invocations that store together meet eight banks.
uint row_of(uint unit) {
  uint row = unit / k_octets;
  if (k_octets == 4u) {
    return (row & ~7u) | ((row & 1u) << 2) | ((row & 6u) >> 1);
  }
  if (k_octets == 2u) {
    return (row & ~7u) | ((row & 3u) << 1) | ((row & 4u) >> 2);
  }
  return row;
}

// Past the last column the last one is read again; its results are not stored.
void find_columns(uint column_first, uint group) {
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    uint unit = thread + i * k_threads;
    if (k_load == 1u) {
      uint column = min(column_first + unit % k_wide * 8u, push.columns - 8u);
      uint n = divide(column, push.pixels_multiplier, push.shifts & 31u);
      own_at[i] = n * push.input_n + group * push.group_channels * push.input_c +
        (column - n * push.pixels) / 8u;
    } else {
      uvec4 place = column_place(min(column_first + row_of(unit), push.columns - 1u));
      own_first[i] = place.yzw * uvec3(k_stride_d, k_stride_h, k_stride_w) -
        uvec3(k_padding_d, k_padding_h, k_padding_w);
      own_at[i] = k_head + place.x * push.input_n + group * push.input_c + own_first[i].x * push.input_d +
        own_first[i].y * push.input_h + own_first[i].z * push.input_w;
    }
  }
}

// Eight columns of one channel.
uvec4 read_columns(uint i, uint step_index) {
  uint channel = step_index * k_tile_k + (thread + i * k_threads) / k_wide;
  bool inside = channel < push.group_channels;
  uvec4 x = source.octets[own_at[i] + (inside ? channel : 0u) * push.input_c];
  return inside ? x : uvec4(0u);
}

// Eight channels of one tap: where the kernel lies over column i, and how far that and the channels are.
uvec4 read_channels(uint i, uvec3 offset, uint step_at, bool inside) {
  uvec3 place = own_first[i] + offset;
  if (k_bounds) {
    // Flat inputs have no depth to leave.
    bool is_flat = k_kernel_d == 1u && k_padding_d == 0u;
    inside = inside && (is_flat || place.x < push.in_d) && place.y < push.in_h && place.z < push.in_w;
  }
  uvec4 x = source.octets[inside ? own_at[i] + step_at : 0u];
  return inside ? x : uvec4(0u);
}

void load_next(uint step_index, uint weight_base) {
  [[unroll]] for (uint i = 0u; i < k_loads_m; i++) {
    uint unit = thread + i * k_threads;
    if (k_units_m % k_threads == 0u || unit < k_units_m) {
      next_m[i] = weight.octets[weight_base + step_index * k_units_m + row_of(unit) * k_octets + unit % k_octets];
    }
  }
  if (k_load == 1u) {
    [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
      next_n[i] = read_columns(i, step_index);
    }
    return;
  }
  // All columns of an invocation take the same octet, since a row of taps divides the workgroup.
  uint octet = step_index * k_octets + thread % k_octets;
  uint tap = divide(octet, push.channels_multiplier, (push.shifts >> 15) & 31u);
  bool inside = octet < push.tap_octets;
  uvec3 offset = uvec3(tap / (k_kernel_h * k_kernel_w) * k_dilation_d,
    tap / k_kernel_w % k_kernel_h * k_dilation_h, tap % k_kernel_w * k_dilation_w);
  uint channel = octet - tap * push.channel_octets;
  if (k_parts == 3u) {
    // Both parts of the channels, then the first again.
    uint both = push.channel_octets / 3u * 2u;
    channel -= channel >= both ? both : 0u;
  }
  uint step_at = offset.x * push.input_d + offset.y * push.input_h + offset.z * push.input_w + channel;
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    next_n[i] = read_channels(i, offset, step_at, inside);
  }
}

void store_next(uint half_index) {
  uint base_m = half_index * k_size_m;
  uint base_n = k_buffers * k_size_m + half_index * k_size_n;
  [[unroll]] for (uint i = 0u; i < k_loads_m; i++) {
    uint unit = thread + i * k_threads;
    if (k_units_m % k_threads == 0u || unit < k_units_m) {
      pool[base_m + row_of(unit) * k_row + unit % k_octets] = next_m[i];
    }
  }
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    uint unit = thread + i * k_threads;
    if (k_units_n % k_threads == 0u || unit < k_units_n) {
      uint at = k_load == 1u ? unit / k_wide * k_row_n + unit % k_wide : row_of(unit) * k_row + unit % k_octets;
      pool[base_n + at] = next_n[i];
    }
  }
}
