// Cuts an image into tiles that a convolutional network can enlarge one by one without seams.
// Pure geometry in input pixels.

/**
 * How far the network sees: nine input pixels before its upsampling and one output pixel after it,
 * so results farther than this from a cut do not depend on what is beyond the cut.
 */
export const overlap: number = 10;

/** The smallest sensible limit for a tile's side: less would be mostly overlap. */
export const smallestTile: number = 4 * overlap;

/** One tile: the region that the network reads, and the core of its result that is kept. */
export interface Tile {
  /** Left column of the region. */
  readonly x: number;
  /** Top row of the region. */
  readonly y: number;
  /** First and one past the last column of the core. */
  readonly left: number;
  readonly right: number;
  /** First and one past the last row of the core. */
  readonly top: number;
  readonly bottom: number;
}

/** Tiles whose cores cover the image exactly once. */
export interface Tiling {
  /** Width of every region. */
  readonly width: number;
  /** Height of every region. */
  readonly height: number;
  readonly tiles: readonly Tile[];
}

/** A region's start and its core along one axis. */
interface Span {
  readonly start: number;
  readonly first: number;
  readonly end: number;
}

/**
 * Splits one axis into equal regions. They touch the image's ends, where the network's own zero
 * padding belongs, and overlap by at least twice the reach of the network everywhere else.
 */
function split(size: number, limit: number): { extent: number; spans: Span[] } {
  if (size <= limit) return { extent: size, spans: [{ start: 0, first: 0, end: size }] };
  const shared = 2 * overlap;
  const count = Math.ceil((size - shared) / (limit - shared));
  let extent = Math.ceil((size + shared * (count - 1)) / count);
  // Kernels work on groups of eight pixels; a full last group costs nothing more.
  const rounded = Math.ceil(extent / 8) * 8;
  if (rounded <= Math.min(limit, size)) extent = rounded;
  const starts = Array.from({ length: count }, (_, i) => {
    return Math.floor(i * (size - extent) / (count - 1));
  });
  const spans = starts.map((start, i) => {
    const previous = starts[i - 1];
    const next = starts[i + 1];
    return {
      start,
      // Neighbors meet in the middle of what they share.
      first: previous === undefined ? 0 : Math.floor((start + previous + extent) / 2),
      end: next === undefined ? size : Math.floor((next + start + extent) / 2),
    };
  });
  return { extent, spans };
}

/**
 * Plans the tiles of an image. All regions have the same size, so that the device needs one set of
 * pipelines only.
 *
 * @param width Columns of the image.
 * @param height Rows of the image.
 * @param limit The largest side of a region, overlap included.
 * @returns The tiles, row by row.
 * @throws {RangeError} If a size is not a positive integer or the limit is below `smallestTile`.
 */
export function planTiles(width: number, height: number, limit: number): Tiling {
  for (
    const [name, value, least] of [
      ["width", width, 1],
      ["height", height, 1],
      ["limit", limit, smallestTile],
    ] as const
  ) {
    if (!Number.isInteger(value) || value < least) {
      throw new RangeError(`the tiles' ${name} must be an integer from ${least}, not ${value}`);
    }
  }
  const columns = split(width, limit);
  const rows = split(height, limit);
  const tiles = rows.spans.flatMap((row) =>
    columns.spans.map((column) => ({
      x: column.start,
      y: row.start,
      left: column.first,
      right: column.end,
      top: row.first,
      bottom: row.end,
    }))
  );
  return { width: columns.extent, height: rows.extent, tiles };
}

/**
 * Copies a region out of a channel-first image.
 *
 * @param planes Three planes of `imageWidth` by `imageHeight` numbers.
 * @param imageWidth Columns of the image.
 * @param imageHeight Rows of the image.
 * @param tiling The plan that the tile belongs to.
 * @param tile The tile.
 * @returns Three planes of the region's size.
 */
export function cutRegion(
  planes: Float32Array<ArrayBuffer>,
  imageWidth: number,
  imageHeight: number,
  tiling: Tiling,
  tile: Tile,
): Float32Array<ArrayBuffer> {
  const { width, height } = tiling;
  if (width === imageWidth && height === imageHeight) return planes;
  const region = new Float32Array(3 * width * height);
  for (let channel = 0; channel < 3; channel++) {
    for (let row = 0; row < height; row++) {
      const from = (channel * imageHeight + tile.y + row) * imageWidth + tile.x;
      region.set(planes.subarray(from, from + width), (channel * height + row) * width);
    }
  }
  return region;
}
