// Collects the network's tiles into the values of the result file.

import { encode } from "fast-png";
import type { Picture } from "./image.ts";
import type { Tile, Tiling } from "./tiles.ts";

/** The enlarged picture while it is put together. */
export class Raster {
  readonly width: number;
  readonly height: number;
  /** Gray or color, and opacity behind it where there is one. */
  readonly channels: number;
  readonly depth: 8 | 16;
  readonly data: Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
  readonly #gray: boolean;
  readonly #scale: number;
  /** What a value of 255 is in the file. */
  readonly #unit: number;

  /**
   * @param source The picture to enlarge; its opacity is enlarged at once.
   * @param scale The enlargement.
   */
  constructor(source: Picture, scale: number) {
    this.width = source.width * scale;
    this.height = source.height * scale;
    this.depth = source.depth;
    this.channels = (source.gray ? 1 : 3) + (source.alpha === null ? 0 : 1);
    const length = this.width * this.height * this.channels;
    this.data = this.depth === 16 ? new Uint16Array(length) : new Uint8Array(length);
    this.#gray = source.gray;
    this.#scale = scale;
    this.#unit = this.depth === 16 ? 257 : 1;
    if (source.alpha !== null) {
      const alpha = enlargePlane(source.alpha, source.width, source.height, scale);
      for (let i = 0; i < alpha.length; i++) {
        this.data[(i + 1) * this.channels - 1] = this.#quantize(alpha[i]!);
      }
    }
  }

  /** Clamps first and rounds then, so that no color shifts. */
  #quantize(value: number): number {
    return Math.round(Math.min(255, Math.max(0, value)) * this.#unit);
  }

  /**
   * Writes the core of a tile.
   *
   * @param tiling The plan that the tile belongs to.
   * @param tile The tile.
   * @param output The network's result for the whole region: three planes.
   */
  put(tiling: Tiling, tile: Tile, output: ArrayLike<number>): void {
    const scale = this.#scale;
    const regionWidth = tiling.width * scale;
    const plane = regionWidth * tiling.height * scale;
    if (output.length !== 3 * plane) {
      throw new RangeError(`a tile's result has ${output.length} values, expected ${3 * plane}`);
    }
    for (let y = tile.top * scale; y < tile.bottom * scale; y++) {
      const row = (y - tile.y * scale) * regionWidth - tile.x * scale;
      for (let x = tile.left * scale; x < tile.right * scale; x++) {
        const red = output[row + x]!;
        const green = output[plane + row + x]!;
        const blue = output[2 * plane + row + x]!;
        const at = (y * this.width + x) * this.channels;
        if (this.#gray) {
          // The network may tint gray a little; its luminance is what a gray file can hold.
          this.data[at] = this.#quantize(0.299 * red + 0.587 * green + 0.114 * blue);
        } else {
          this.data[at] = this.#quantize(red);
          this.data[at + 1] = this.#quantize(green);
          this.data[at + 2] = this.#quantize(blue);
        }
      }
    }
  }

  /** The result as a PNG file. */
  encode(): Uint8Array {
    const { width, height, data, channels, depth } = this;
    return encode({ width, height, data, channels, depth });
  }
}

/**
 * Enlarges one plane by bilinear interpolation between pixel centers.
 *
 * @param plane The values.
 * @param width Columns of the plane.
 * @param height Rows of the plane.
 * @param scale The enlargement.
 * @returns A plane of `width * scale` by `height * scale` values.
 */
export function enlargePlane(
  plane: Float32Array,
  width: number,
  height: number,
  scale: number,
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(plane.length * scale * scale);
  const place = (at: number, size: number): [number, number, number] => {
    // Half a pixel's shift keeps the image where it is; the border repeats.
    const center = Math.min(size - 1, Math.max(0, (at + 0.5) / scale - 0.5));
    const before = Math.floor(center);
    return [before, Math.min(size - 1, before + 1), center - before];
  };
  for (let y = 0; y < height * scale; y++) {
    const [above, below, down] = place(y, height);
    for (let x = 0; x < width * scale; x++) {
      const [left, right, along] = place(x, width);
      const top = plane[above * width + left]! * (1 - along) +
        plane[above * width + right]! * along;
      const low = plane[below * width + left]! * (1 - along) +
        plane[below * width + right]! * along;
      result[y * width * scale + x] = top * (1 - down) + low * down;
    }
  }
  return result;
}
