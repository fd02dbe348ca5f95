// Enlarges a picture tile by tile.

import { type Device, type Tensor, tensor } from "../../mod.ts";
import type { Picture } from "./image.ts";
import { Raster } from "./raster.ts";
import { cutRegion, planTiles, type Tile } from "./tiles.ts";

/** What enlarges: the folded network, or the one of the original's layers. */
export interface Enlarger {
  /** Enlarges `[batch, 3, height, width]`, values from 0 to 255. */
  call(image: Tensor): Tensor;
}

/** Options of {@linkcode upscale}. */
export interface UpscaleOptions {
  /** The network's enlargement. */
  readonly scale: number;
  /** Largest side of a tile in input pixels, overlap included. */
  readonly tile: number;
  /** Where the network lives. */
  readonly device: Device;
  /** Called with the number of tiles before the first one. */
  readonly onStart?: (tiles: number) => void;
  /** Called after every tile. */
  readonly onTile?: () => void;
}

/**
 * Two tiles are under way at any time: while the device computes one, the other's result is copied
 * into the image and the next one's input is cut.
 */
const tilesInFlight = 2;

/**
 * Enlarges a picture.
 *
 * @param picture The picture.
 * @param network A network whose weights are loaded.
 * @param options Scale, tile size, device and progress.
 * @returns The enlarged picture, ready to be encoded.
 */
export async function upscale(
  picture: Picture,
  network: Enlarger,
  options: UpscaleOptions,
): Promise<Raster> {
  const { scale, device } = options;
  const tiling = planTiles(picture.width, picture.height, options.tile);
  const raster = new Raster(picture, scale);
  const pending: { tile: Tile; output: Tensor; data: Promise<ArrayLike<number>> }[] = [];
  const finishOldest = async (): Promise<void> => {
    const { tile, output, data } = pending.shift()!;
    try {
      raster.put(tiling, tile, await data);
    } finally {
      output.dispose();
    }
    options.onTile?.();
  };
  options.onStart?.(tiling.tiles.length);
  try {
    for (const tile of tiling.tiles) {
      const region = cutRegion(picture.planes, picture.width, picture.height, tiling, tile);
      const input = tensor(region, [1, 3, tiling.height, tiling.width], { device });
      let output: Tensor;
      try {
        output = network.call(input);
      } finally {
        // The device keeps the memory until the work that reads it is done.
        input.dispose();
      }
      // Asking for the data starts the work.
      pending.push({ tile, output, data: output.data() });
      if (pending.length >= tilesInFlight) await finishOldest();
    }
    while (pending.length > 0) await finishOldest();
  } finally {
    // After an error the other tile's result is not wanted any more, nor is its own failure.
    for (const { output, data } of pending) {
      await data.catch(() => undefined);
      output.dispose();
    }
  }
  return raster;
}
