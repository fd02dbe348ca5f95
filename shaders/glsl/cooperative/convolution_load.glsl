// The operands of convolution.comp on their way from buffers over registers into shared memory.

// Image, d, h, w of a column.
uvec4 column_place(uint column) {
  uint n = divide(column, push.pixels_multiplier, push.shifts & 31u);
  uint pixel = column - n * push.pixels;
  uint row = divide(pixel, push.out_w_multiplier, (push.shifts >> 10) & 31u);
  uint d = divide(row, push.out_h_multiplier, (push.shifts >> 5) & 31u);
  return uvec4(n, d, row - d * push.out_h, pixel - row * push.out_w);
}

// Past the last column the last one is read again; its results are not stored.
void find_columns(uint column_first, uint group) {
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    uint unit = thread + i * k_threads;
    if (k_load == 1u) {
      uint column = min(column_first + unit % k_wide * 8u, push.columns - 8u);
      uint n = divide(column, push.pixels_multiplier, push.shifts & 31u);
      own_base[i] = n * push.input_n + group * push.group_channels * push.input_c +
        (column - n * push.pixels) / 8u;
    } else {
      uvec4 place = column_place(min(column_first + unit / k_octets, push.columns - 1u));
      own_base[i] = place.x * push.input_n + group * push.input_c;
      own_first[i] = place.yzw * uvec3(k_stride_d, k_stride_h, k_stride_w) -
        uvec3(k_padding_d, k_padding_h, k_padding_w);
    }
  }
}

// Eight columns of one channel.
uvec4 read_columns(uint i, uint step_index) {
  uint channel = step_index * k_tile_k + (thread + i * k_threads) / k_wide;
  bool inside = channel < push.group_channels;
  uvec4 x = source.octets[own_base[i] + (inside ? channel : 0u) * push.input_c];
  return inside ? x : uvec4(0u);
}

// Eight channels of one tap: where the kernel lies over column i, and which channels.
uvec4 read_channels(uint i, uvec3 offset, uint channel, bool inside) {
  uvec3 place = own_first[i] + offset;
  uint at = own_base[i] + place.x * push.input_d + place.y * push.input_h + place.z * push.input_w + channel;
  inside = inside && (!k_bounds || (place.x < push.in_d && place.y < push.in_h && place.z < push.in_w));
  uvec4 x = source.octets[inside ? at : own_base[i]];
  return inside ? x : uvec4(0u);
}

void load_next(uint step_index, uint weight_base) {
  [[unroll]] for (uint i = 0u; i < k_loads_m; i++) {
    uint unit = thread + i * k_threads;
    if (k_units_m % k_threads == 0u || unit < k_units_m) {
      next_m[i] = weight.octets[weight_base + step_index * k_units_m + unit];
    }
  }
  if (k_load == 1u) {
    [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
      next_n[i] = read_columns(i, step_index);
    }
    return;
  }
  // All columns of an invocation take the same octet where a row of taps divides the workgroup.
  uint octet = step_index * k_octets + thread % k_octets;
  uint tap = divide(octet, push.channels_multiplier, (push.shifts >> 15) & 31u);
  uint channel = octet - tap * push.channel_octets;
  bool inside = octet < push.tap_octets;
  uvec3 offset = uvec3(tap / (k_kernel_h * k_kernel_w) * k_dilation_d,
    tap / k_kernel_w % k_kernel_h * k_dilation_h, tap % k_kernel_w * k_dilation_w);
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    next_n[i] = read_channels(i, offset, channel, inside);
  }
}

void store_next(uint half_index) {
  uint base_m = half_index * k_size_m;
  uint base_n = 2u * k_size_m + half_index * k_size_n;
  [[unroll]] for (uint i = 0u; i < k_loads_m; i++) {
    uint unit = thread + i * k_threads;
    if (k_units_m % k_threads == 0u || unit < k_units_m) {
      pool[base_m + unit / k_octets * k_row + unit % k_octets] = next_m[i];
    }
  }
  const uint across = k_load == 1u ? k_wide : k_octets;
  [[unroll]] for (uint i = 0u; i < k_loads_n; i++) {
    uint unit = thread + i * k_threads;
    if (k_units_n % k_threads == 0u || unit < k_units_n) {
      pool[base_n + unit / across * k_row_n + unit % across] = next_n[i];
    }
  }
}
