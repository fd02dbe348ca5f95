// Copies of regions whose innermost axes are rows of memory, for devices whose driver copies rows faster than kernels do:
// software drivers copy memory there, while their kernels store lane by lane.

import type { CopyImages } from "../core/capabilities.ts";
import type { RowCopy } from "../core/dispatch.ts";
import type { Capabilities } from "./plan.ts";
import type { State } from "./region_blocks.ts";

/** Less is done by a kernel in the time that its launch takes. */
const SMALLEST_BYTES = 65_536;

/** Where each row is a region: shorter rows are faster in a kernel. */
export const SMALLEST_ROW_BYTES = 2048;

/** More regions would keep the host busy. */
export const MAX_REGIONS = 4096;

/** Boxes of a copy. */
const MAX_BOXES = 1024;

/** Bytes of a texel. */
const TEXEL = 4;

/**
 * Finds how the driver could copy a region.
 *
 * @param capabilities The device.
 * @param state The region.
 * @returns The copy; undefined where a kernel is better, or the only way.
 */
export function findRowCopy(capabilities: Capabilities, state: State): RowCopy | undefined {
  const { deviceClass, rowCopies } = capabilities;
  if (deviceClass !== "cpu" || rowCopies === undefined) return undefined;
  const plain = plainCopy(state);
  if (plain === undefined) return undefined;
  const regions = plain.rows * plain.planes * plain.starts.length;
  if (plain.rowBytes * regions < SMALLEST_BYTES) return undefined;
  if (regions === 1) return plain;
  const { images } = rowCopies;
  const found = images === null
    ? undefined
    : withImage(images, plain, "from") ?? withImage(images, plain, "to");
  if (found !== undefined) return found;
  return plain.rowBytes < SMALLEST_ROW_BYTES || regions > MAX_REGIONS ? undefined : plain;
}

/** The copy in regions of one row each. */
function plainCopy({ elementBytes, walk, from, to }: State): RowCopy | undefined {
  const { sizes, strides } = walk;
  if (strides.some((own) => own[0] !== 1 || own.some((stride) => stride <= 0))) return undefined;
  const [row, rows = 1, planes = 1, ...outer] = sizes as [number, ...number[]];
  const rowBytes = row * elementBytes;
  const steps = strides.map((own) => own.slice(1).map((stride) => stride * elementBytes));
  const first = [from * elementBytes, to * elementBytes] as const;
  if ([rowBytes, ...first, ...steps.flat()].some((each) => each % TEXEL !== 0)) return undefined;
  let starts = [first];
  for (const [axis, size] of outer.entries()) {
    if (starts.length * size > MAX_BOXES) return undefined;
    const [ahead, there] = [steps[0]![axis + 2]!, steps[1]![axis + 2]!];
    starts = Array.from(
      { length: size },
      (_, at) => starts.map(([a, b]) => [a + at * ahead, b + at * there] as const),
    ).flat();
  }
  const pitch = ([row = rowBytes, plane = row * rows]: readonly number[]) => ({ row, plane });
  const [source, target] = [pitch(steps[0]!), pitch(steps[1]!)];
  return { rowBytes, rows, planes, from: source, to: target, starts, image: null };
}

/** The same copy where an image stands for one of the operands. */
function withImage(
  images: CopyImages,
  copy: RowCopy,
  image: "from" | "to",
): RowCopy | undefined {
  const shaped = copy.planes === 1 ? inLayers(images, copy, image) : copy;
  if (shaped === undefined) return undefined;
  const { rowBytes, rows, planes, starts } = shaped;
  const own = shaped[image];
  const other = shaped[image === "from" ? "to" : "from"];
  const height = own.plane / own.row;
  const isImage = own.row % images.rowBytes === 0 && height % images.rows === 0 &&
    own.row <= images.maxExtent * TEXEL && height <= images.maxExtent;
  // The other one's pitches are told in texels and in rows.
  const isRegular = other.row >= rowBytes && other.plane % other.row === 0 &&
    other.plane >= rows * other.row;
  if (!isImage || !isRegular) return undefined;
  const isInside = starts.every((start) => {
    const at = start[image === "from" ? 0 : 1];
    const inLayer = at % own.plane;
    return inLayer % own.row + rowBytes <= own.row &&
      Math.floor(inLayer / own.row) + rows <= height &&
      Math.floor(at / own.plane) + planes <= images.maxLayers;
  });
  return isInside ? { ...shaped, image } : undefined;
}

/** A single plane as one layer, or as several if it has more rows than an image may have. */
function inLayers(images: CopyImages, copy: RowCopy, image: "from" | "to"): RowCopy | undefined {
  const { rows, from, to, starts } = copy;
  const own = copy[image];
  const ahead = Math.floor(starts[0]![image === "from" ? 0 : 1] / own.row);
  // Planes that are copied one by one see the same image.
  const height = rows % images.rows === 0 && ahead % rows === 0
    ? rows
    : Math.ceil((ahead + rows) / images.rows) * images.rows;
  if (height <= images.maxExtent) return { ...copy, [image]: { ...own, plane: own.row * height } };
  for (let planes = 2; planes <= images.maxLayers; planes++) {
    const height = rows / planes;
    if (height % images.rows !== 0 || height > images.maxExtent) continue;
    return {
      ...copy,
      rows: height,
      planes,
      from: { ...from, plane: from.row * height },
      to: { ...to, plane: to.row * height },
    };
  }
  return undefined;
}
