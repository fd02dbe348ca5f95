// One-dimensional Winograd transforms on vec4s (four channels at once), Toom-Cook with the points 0, 1, -1 and infinity
// (tile 4), also 2 and -2 (tile 6), and also 1/2 and -1/2 (tile 8): outputs = A^T [(G g) * (B^T d)], tile = outputs +
// kernel - 1. B depends on the tile alone; G has a row of powers for each point, A^T a row of points for each power.
#ifndef VKNN_WINOGRAD_GLSL
#define VKNN_WINOGRAD_GLSL

// A finite point of the tile.
float winograd_point(uint point) {
  float size = point < 3u ? 1.0 : point < 5u ? 2.0 : 0.5;
  return point == 0u ? 0.0 : (point & 1u) == 1u ? size : -size;
}

// 1 / product of the distances of a finite point to the others.
float winograd_scale(uint tile, uint point) {
  float near = point == 0u ? 0.25 : point < 3u ? -1.0 / 6.0 : 1.0 / 24.0;
  float far = point == 0u ? 1.0 : point < 3u ? -2.0 / 9.0 : point < 5u ? 1.0 / 90.0 : 32.0 / 45.0;
  float nearest = point == 0u ? -1.0 : 0.5;
  return tile == 4u ? nearest : tile == 6u ? near : far;
}

// Row `point` of G times the kernel's taps.
vec4 winograd_weight(uint tile, uint kernel, uint point, vec4 taps[8]) {
  if (point == tile - 1u) {
    return taps[kernel - 1u];
  }
  vec4 sum = taps[0];
  float power = winograd_point(point);
  [[unroll]] for (uint k = 1u; k < kernel; k++) {
    sum += taps[k] * power;
    power *= winograd_point(point);
  }
  return sum * winograd_scale(tile, point);
}

// The first or the last row of B^T (points 0 and infinity) times d.
vec4 winograd_input_end(uint tile, uint point, vec4 d[8]) {
  if (tile == 4u) {
    return point == 0u ? d[2] - d[0] : d[3] - d[1];
  }
  if (tile == 6u) {
    return point == 0u ? 4.0 * (d[0] - d[2]) + (d[4] - d[2]) : d[5] - d[3] - 4.0 * (d[3] - d[1]);
  }
  return point == 0u ? d[0] - d[6] + 5.25 * (d[4] - d[2]) : d[7] - d[1] + 5.25 * (d[3] - d[5]);
}

// The rows of B^T of points +x and -x (pair 0: 1, pair 1: 2, pair 2: 1/2) are even + odd and even - odd. Their factors
// of d[2], d[4], d[6] and of d[1], d[3], d[5]:
vec3 winograd_input_even(uint tile, uint pair) {
  if (tile == 4u) {
    return vec3(1.0, 0.0, 0.0);
  }
  if (tile == 6u) {
    return vec3(pair == 0u ? -4.0 : -1.0, 1.0, 0.0);
  }
  return pair == 0u ? vec3(1.0, -4.25, 1.0) : pair == 1u ? vec3(0.25, -1.25, 1.0) : vec3(4.0, -5.0, 1.0);
}

vec3 winograd_input_odd(uint tile, uint pair) {
  if (tile == 4u) {
    return vec3(1.0, 0.0, 0.0);
  }
  if (tile == 6u) {
    return pair == 0u ? vec3(-4.0, 1.0, 0.0) : vec3(-2.0, 2.0, 0.0);
  }
  return pair == 0u ? vec3(1.0, -4.25, 1.0) : pair == 1u ? vec3(0.5, -2.5, 2.0) : vec3(2.0, -2.5, 0.5);
}

// B^T d in place.
void winograd_input(uint tile, inout vec4 d[8]) {
  vec4 first = winograd_input_end(tile, 0u, d);
  vec4 last = winograd_input_end(tile, tile - 1u, d);
  vec4 result[8];
  [[unroll]] for (uint pair = 0u; pair < tile / 2u - 1u; pair++) {
    vec3 even = winograd_input_even(tile, pair);
    vec3 odd = winograd_input_odd(tile, pair);
    vec4 a = even.x * d[2];
    vec4 b = odd.x * d[1];
    if (tile > 4u) {
      a += even.y * d[4];
      b += odd.y * d[3];
    }
    if (tile == 8u) {
      a += even.z * d[6];
      b += odd.z * d[5];
    }
    result[2u * pair + 1u] = a + b;
    result[2u * pair + 2u] = a - b;
  }
  [[unroll]] for (uint i = 1u; i + 1u < tile; i++) {
    d[i] = result[i];
  }
  d[0] = first;
  d[tile - 1u] = last;
}

// A^T m: the outputs of a tile, two of tile 4 and else four, in place.
void winograd_output(uint tile, inout vec4 m[8]) {
  vec4 a = m[1] + m[2];
  vec4 b = m[1] - m[2];
  if (tile == 4u) {
    m[0] = m[0] + a;
    m[1] = b + m[3];
  } else {
    vec4 c = m[3] + m[4];
    vec4 e = m[3] - m[4];
    m[0] = m[0] + a + c;
    m[1] = b + 2.0 * e;
    m[2] = a + 4.0 * c;
    m[3] = b + 8.0 * e;
    if (tile == 6u) {
      m[3] += m[5];
    } else {
      vec4 f = m[5] + m[6];
      vec4 g = m[5] - m[6];
      m[0] += f;
      m[1] += 0.5 * g;
      m[2] += 0.25 * f;
      m[3] += 0.125 * g + m[7];
    }
  }
}

#endif
