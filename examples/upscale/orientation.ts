// Cameras store photographs as the sensor saw them and note in the Exif block how to turn them.
// The result is written as PNG without that note, so the turn is made here.

import type { Picture } from "./image.ts";

/**
 * Reads the Exif orientation of a JPEG file.
 *
 * @param bytes The file.
 * @returns 1 (as stored) to 8; 1 where there is none or it cannot be read.
 */
export function readOrientation(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 2;
  while (offset + 4 <= view.byteLength && view.getUint8(offset) === 0xff) {
    const marker = view.getUint8(offset + 1);
    // Image data starts: no more notes.
    if (marker === 0xda) break;
    const length = view.getUint16(offset + 2);
    if (marker === 0xe1 && offset + 2 + length <= view.byteLength) {
      const found = exifOrientation(
        new DataView(view.buffer, view.byteOffset + offset + 4, length - 2),
      );
      if (found !== undefined) return found;
    }
    offset += 2 + length;
  }
  return 1;
}

function exifOrientation(exif: DataView): number | undefined {
  // "Exif", two zeros, then a TIFF header with its own byte order.
  if (exif.byteLength < 20 || exif.getUint32(0) !== 0x45786966) return undefined;
  const tiff = 6;
  const little = exif.getUint16(tiff) === 0x4949;
  const directory = tiff + exif.getUint32(tiff + 4, little);
  if (directory + 2 > exif.byteLength) return undefined;
  const entries = exif.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > exif.byteLength) return undefined;
    if (exif.getUint16(entry, little) !== 0x0112) continue;
    const value = exif.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}

/**
 * Turns and mirrors a picture.
 *
 * @param picture The picture as stored.
 * @param orientation The Exif orientation.
 * @returns The picture as it shall be seen.
 */
export function orient(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const { width: sourceWidth, height: sourceHeight } = picture;
  const turned = orientation >= 5;
  const width = turned ? sourceHeight : sourceWidth;
  const height = turned ? sourceWidth : sourceHeight;
  const mirrorX = [2, 3, 7, 8].includes(orientation);
  const mirrorY = [3, 4, 6, 7].includes(orientation);
  const count = width * height;
  const move = (source: Float32Array, planes: number): Float32Array<ArrayBuffer> => {
    const result = new Float32Array(source.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const along = turned ? y : x;
        const down = turned ? x : y;
        const column = mirrorX ? sourceWidth - 1 - along : along;
        const row = mirrorY ? sourceHeight - 1 - down : down;
        for (let p = 0; p < planes; p++) {
          result[p * count + y * width + x] = source[p * count + row * sourceWidth + column]!;
        }
      }
    }
    return result;
  };
  return {
    ...picture,
    width,
    height,
    planes: move(picture.planes, 3),
    alpha: picture.alpha === null ? null : move(picture.alpha, 1),
  };
}
