// Reads PNG and JPEG files into channel-first numbers from 0 to 255, whatever is inside: 1 to 16
// bits, gray, palette or color, with or without transparency.

import { convertIndexedToRgb, decode as decodePng, type DecodedPng } from "fast-png";
import jpeg from "jpeg-js";
import { UserError } from "../support/program.ts";
import { orient, readOrientation } from "./orientation.ts";

/** An image in memory. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Three planes: red, green, blue; equal ones for a gray image. Values from 0 to 255. */
  readonly planes: Float32Array<ArrayBuffer>;
  /** Opacity from 0 to 255, or null where the image has none. */
  readonly alpha: Float32Array<ArrayBuffer> | null;
  /** True if the file holds gray values, and the result shall too. */
  readonly gray: boolean;
  /** Bits of a value in the result. */
  readonly depth: 8 | 16;
}

/** What the head of a file says. */
export interface ImageHead {
  readonly format: "png" | "jpeg";
  readonly width: number;
  readonly height: number;
  /** True if the file holds gray values only. */
  readonly gray: boolean;
}

const pngSignature: readonly number[] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * Finds the format and the size without decoding anything.
 *
 * @param bytes The file.
 * @returns Format and size.
 * @throws {UserError} If the bytes are neither PNG nor JPEG, or end within the head.
 */
export function readHead(bytes: Uint8Array): ImageHead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (pngSignature.every((byte, i) => bytes[i] === byte)) {
    if (bytes.length < 33) throw new UserError("the PNG file ends within its head");
    // Color types 0 and 4 are gray without and with opacity.
    const gray = [0, 4].includes(view.getUint8(25));
    return checked({ format: "png", width: view.getUint32(16), height: view.getUint32(20), gray });
  }
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return checked(jpegHead(view));
  throw new UserError("the file is neither a PNG nor a JPEG image");
}

function checked(head: ImageHead): ImageHead {
  if (head.width === 0 || head.height === 0) {
    throw new UserError(`the image says that it is ${head.width}x${head.height} pixels large`);
  }
  return head;
}

/** Walks the segments of a JPEG file to its frame header. */
function jpegHead(view: DataView): ImageHead {
  let offset = 2;
  while (offset + 10 <= view.byteLength) {
    if (view.getUint8(offset) !== 0xff) break;
    const marker = view.getUint8(offset + 1);
    // Fill bytes, and markers without a segment.
    if (marker === 0xff) offset += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) offset += 2;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return {
        format: "jpeg",
        height: view.getUint16(offset + 5),
        width: view.getUint16(offset + 7),
        gray: view.getUint8(offset + 9) === 1,
      };
    } else offset += 2 + view.getUint16(offset + 2);
  }
  throw new UserError("the JPEG file ends before its size is known");
}

/**
 * Decodes an image. Check its size with {@linkcode readHead} before.
 *
 * @param bytes The file.
 * @returns The picture.
 * @throws {UserError} If the file is damaged.
 */
export function readImage(bytes: Uint8Array): Picture {
  const { format, gray } = readHead(bytes);
  try {
    return format === "png" ? readPng(bytes) : { ...readJpeg(bytes), gray };
  } catch (cause) {
    // Both decoders run over the end of a short file and say so in words of their own.
    const reason = cause instanceof RangeError || !(cause instanceof Error)
      ? "it ends too early"
      : cause.message;
    throw new UserError(`the ${format.toUpperCase()} file is damaged: ${reason}`, { cause });
  }
}

function readJpeg(bytes: Uint8Array): Picture {
  // The size was checked already; the library's own limits are for those who did not.
  const image = jpeg.decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    tolerantDecoding: true,
    maxResolutionInMP: 1e6,
    maxMemoryUsageInMB: 1e6,
  });
  const picture = spread(image.data, image.width, image.height, 3, 255, 8);
  return orient(picture, readOrientation(bytes));
}

function readPng(bytes: Uint8Array): Picture {
  const png = decodePng(bytes, { checkCrc: true });
  const { width, height } = png;
  if (png.palette !== undefined) {
    const channels = png.palette[0]!.length;
    return spread(convertIndexedToRgb(png), width, height, channels, 255, 8);
  }
  const data = png.depth < 8 ? unpackBits(png) : png.data;
  const scale = 2 ** png.depth - 1;
  const picture = spread(data, width, height, png.channels, scale, png.depth === 16 ? 16 : 8);
  return png.transparency === undefined ? picture : { ...picture, alpha: keyed(png, data) };
}

/** One byte a value from rows of packed bits; every row starts with a fresh byte. */
function unpackBits(png: DecodedPng): Uint8Array {
  const { width, height, depth } = png;
  const rowBytes = Math.ceil(width * depth / 8);
  const result = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = png.data[y * rowBytes + (bit >> 3)]!;
      result[y * width + x] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  }
  return result;
}

/** Opacity of an image that declares one of its colors transparent. */
function keyed(png: DecodedPng, data: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const { channels } = png;
  const key = png.transparency!;
  const alpha = new Float32Array(png.width * png.height);
  for (let i = 0; i < alpha.length; i++) {
    let same = true;
    for (let c = 0; c < channels; c++) same &&= data[i * channels + c] === key[c];
    alpha[i] = same ? 0 : 255;
  }
  return alpha;
}

/** Turns interleaved values from 0 to `scale` into planes from 0 to 255. */
function spread(
  data: ArrayLike<number>,
  width: number,
  height: number,
  channels: number,
  scale: number,
  depth: 8 | 16,
): Picture {
  const count = width * height;
  if (data.length < count * channels) throw new Error("there are fewer values than pixels");
  const factor = 255 / scale;
  const gray = channels < 3;
  const planes = new Float32Array(3 * count);
  const alpha = channels % 2 === 0 ? new Float32Array(count) : null;
  for (let i = 0; i < count; i++) {
    const at = i * channels;
    planes[i] = data[at]! * factor;
    planes[count + i] = data[gray ? at : at + 1]! * factor;
    planes[2 * count + i] = data[gray ? at : at + 2]! * factor;
    if (alpha !== null) alpha[i] = data[at + channels - 1]! * factor;
  }
  return { width, height, planes, alpha, gray, depth };
}
