/** Reading and writing pictures in the upscale example. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { encode } from "fast-png";
import jpeg from "jpeg-js";
import { crc32 } from "node:zlib";
import { readHead, readImage } from "../../examples/upscale/image.ts";
import { UserError } from "../../examples/support/program.ts";
import { orient, readOrientation } from "../../examples/upscale/orientation.ts";
import { enlargePlane, Raster } from "../../examples/upscale/raster.ts";
import { planTiles } from "../../examples/upscale/tiles.ts";
import { test } from "../support/test.ts";

test("image: 8-bit color becomes three planes", () => {
  const png = encode({
    width: 2,
    height: 1,
    channels: 3,
    data: new Uint8Array([1, 2, 3, 4, 5, 6]),
  });
  assertEquals(readHead(png), { format: "png", width: 2, height: 1, gray: false });
  const picture = readImage(png);
  assertEquals([...picture.planes], [1, 4, 2, 5, 3, 6]);
  assertEquals([picture.alpha, picture.gray, picture.depth], [null, false, 8]);
});

test("image: opacity, gray and 16 bits are kept apart", () => {
  const rgba = readImage(
    encode({ width: 1, height: 1, channels: 4, data: new Uint8Array([9, 8, 7, 51]) }),
  );
  assertEquals([[...rgba.planes], [...rgba.alpha!], rgba.gray], [[9, 8, 7], [51], false]);
  const grayAlpha = readImage(
    encode({ width: 1, height: 1, channels: 2, data: new Uint8Array([90, 77]) }),
  );
  assertEquals([...grayAlpha.planes], [90, 90, 90]);
  assertEquals([...grayAlpha.alpha!], [77]);
  assert(grayAlpha.gray);
  const deep = readImage(
    encode({ width: 1, height: 1, channels: 3, depth: 16, data: new Uint16Array([0, 257, 65535]) }),
  );
  assertEquals([...deep.planes], [0, 1, 255]);
  assertEquals(deep.depth, 16);
});

test("image: palettes and packed gray are unfolded", () => {
  const palette = [[10, 20, 30], [40, 50, 60], [70, 80, 90], [1, 2, 3]];
  // Two bits a pixel, five pixels a row: two bytes with padding.
  const data = new Uint8Array([0b00011011, 0b01000000]);
  const indexed = readImage(
    encode({ width: 5, height: 1, channels: 1, depth: 2, data, palette }),
  );
  assertEquals([...indexed.planes.subarray(0, 5)], [10, 40, 70, 1, 40]);
  assertEquals([...indexed.planes.subarray(10)], [30, 60, 90, 3, 60]);
  const bits = new Uint8Array([0b10100000, 0b01000000]);
  const gray = readImage(encode({ width: 3, height: 2, channels: 1, depth: 1, data: bits }));
  assertEquals([...gray.planes.subarray(0, 6)], [255, 0, 255, 0, 255, 0]);
  assert(gray.gray);
});

test("image: a palette with opacity", () => {
  const palette = [[10, 20, 30, 0], [40, 50, 60, 128]];
  const data = new Uint8Array([0, 1]);
  const picture = readImage(encode({ width: 2, height: 1, channels: 1, depth: 8, data, palette }));
  assertEquals([...picture.alpha!], [0, 128]);
  assertEquals(picture.planes[1], 40);
});

test("image: interlaced files are read like plain ones", () => {
  const data = Uint8Array.from({ length: 13 * 9 * 3 }, (_, i) => (i * 41) & 255);
  const settings = { width: 13, height: 9, channels: 3, data };
  assertEquals(
    readImage(encode(settings, { interlace: "Adam7" })).planes,
    readImage(encode(settings)).planes,
  );
});

/** Puts a chunk behind the head of a PNG file. */
function withChunk(png: Uint8Array, type: string, content: readonly number[]): Uint8Array {
  const chunk = new Uint8Array(12 + content.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, content.length);
  chunk.set(new TextEncoder().encode(type), 4);
  chunk.set(content, 8);
  view.setUint32(8 + content.length, crc32(chunk.subarray(4, 8 + content.length)));
  const result = new Uint8Array(png.length + chunk.length);
  result.set(png.subarray(0, 33));
  result.set(chunk, 33);
  result.set(png.subarray(33), 33 + chunk.length);
  return result;
}

test("image: one color of a file may stand for transparent", () => {
  const data = new Uint8Array([1, 2, 3, 1, 2, 4, 3, 2, 1]);
  const color = encode({ width: 3, height: 1, channels: 3, data });
  const keyed = readImage(withChunk(color, "tRNS", [0, 1, 0, 2, 0, 3]));
  assertEquals([...keyed.alpha!], [0, 255, 255]);
  const bits = new Uint8Array([0b01000000]);
  const gray = encode({ width: 2, height: 1, channels: 1, depth: 1, data: bits });
  const picture = readImage(withChunk(gray, "tRNS", [0, 1]));
  assertEquals([[...picture.alpha!], picture.gray], [[255, 0], true]);
  assertEquals(new Raster(picture, 2).channels, 2);
});

/** A JPEG file of one color. */
function jpegOf(width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height * 4).fill(200);
  return new Uint8Array(jpeg.encode({ width, height, data }, 95).data);
}

test("image: JPEG is recognized by content and decoded", () => {
  const bytes = jpegOf(20, 13);
  assertEquals(readHead(bytes), { format: "jpeg", width: 20, height: 13, gray: false });
  const picture = readImage(bytes);
  assertEquals([picture.width, picture.height, picture.alpha, picture.depth], [20, 13, null, 8]);
  assert(picture.planes.every((value) => Math.abs(value - 200) <= 2));
});

test("image: what is no image says so", () => {
  const text = new TextEncoder().encode("just some words, long enough to be looked at");
  assertThrows(() => readHead(text), UserError, "neither a PNG nor a JPEG");
  assertThrows(() => readHead(new Uint8Array(0)), UserError, "neither");
});

test("image: damaged and cut files are refused, never shown in part", () => {
  const data = new Uint8Array(40 * 40 * 3).map((_, i) => (i * 37) & 255);
  const png = encode({ width: 40, height: 40, channels: 3, data });
  for (const length of [20, 60, png.length >> 1, png.length - 13]) {
    assertThrows(() => readImage(png.subarray(0, length)), UserError, "PNG file");
  }
  const broken = png.slice();
  broken[png.length >> 1]! ^= 1;
  assertThrows(() => readImage(broken), UserError, "damaged");
  const photo = jpegOf(40, 40);
  for (const length of [5, 60, photo.length >> 1, photo.length - 3]) {
    assertThrows(() => readImage(photo.subarray(0, length)), UserError, "JPEG file");
  }
});

test("image: a head that claims no pixels is refused", () => {
  const png = encode({ width: 1, height: 1, channels: 1, data: new Uint8Array([1]) });
  new DataView(png.buffer, png.byteOffset).setUint32(16, 0);
  assertThrows(() => readHead(png), UserError, "0x1 pixels");
});

/** A JPEG file's first segment with an Exif orientation. */
function exif(orientation: number, little: boolean): Uint8Array {
  const bytes = new Uint8Array(2 + 2 + 2 + 6 + 8 + 2 + 12);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xffd8);
  view.setUint16(2, 0xffe1);
  view.setUint16(4, bytes.length - 4);
  view.setUint32(6, 0x45786966);
  const tiff = 12;
  view.setUint16(tiff, little ? 0x4949 : 0x4d4d);
  view.setUint16(tiff + 2, 42, little);
  view.setUint32(tiff + 4, 8, little);
  view.setUint16(tiff + 8, 1, little);
  view.setUint16(tiff + 10, 0x0112, little);
  view.setUint16(tiff + 12, 3, little);
  view.setUint32(tiff + 14, 1, little);
  view.setUint16(tiff + 18, orientation, little);
  return bytes;
}

test("image: the camera's orientation is read and followed", () => {
  for (const little of [true, false]) {
    for (let value = 1; value <= 8; value++) {
      assertEquals(readOrientation(exif(value, little)), value);
    }
    assertEquals(readOrientation(exif(9, little)), 1);
  }
  assertEquals(readOrientation(jpegOf(8, 8)), 1);
  const planes = Float32Array.from([1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const picture = { width: 3, height: 2, planes, alpha: null, gray: false, depth: 8 as const };
  const seen = (orientation: number): number[] => [
    ...orient(picture, orientation).planes.subarray(0, 6),
  ];
  // 1 2 3   stored; what the viewer shall see:
  // 4 5 6
  assertEquals(seen(2), [3, 2, 1, 6, 5, 4]);
  assertEquals(seen(3), [6, 5, 4, 3, 2, 1]);
  assertEquals(seen(4), [4, 5, 6, 1, 2, 3]);
  assertEquals(seen(5), [1, 4, 2, 5, 3, 6]);
  assertEquals(seen(6), [4, 1, 5, 2, 6, 3]);
  assertEquals(seen(7), [6, 3, 5, 2, 4, 1]);
  assertEquals(seen(8), [3, 6, 2, 5, 1, 4]);
  assertEquals(orient(picture, 6).width, 2);
});

test("image: bilinear enlargement keeps the image in place", () => {
  assertEquals([...enlargePlane(new Float32Array([0, 100]), 2, 1, 2)], [
    ...[0, 25, 75, 100],
    ...[0, 25, 75, 100],
  ]);
  const odd = enlargePlane(new Float32Array([0, 90]), 2, 1, 3).subarray(0, 6);
  [0, 0, 30, 60, 90, 90].forEach((wanted, i) => assertAlmostEquals(odd[i]!, wanted, 1e-4));
  assertEquals([...enlargePlane(new Float32Array([7]), 1, 1, 4)], new Array(16).fill(7));
});

test("image: results are clamped before they are rounded", () => {
  const picture = readImage(
    encode({ width: 1, height: 1, channels: 4, data: new Uint8Array([0, 0, 0, 128]) }),
  );
  const raster = new Raster(picture, 2);
  const tiling = planTiles(1, 1, 64);
  const output = [-3, 300, 0.4, 0.6, 254.5, 255.4, 10.49, 10.51, 99, 99, 99, 99];
  raster.put(tiling, tiling.tiles[0]!, output);
  assertEquals([...raster.data], [
    ...[0, 255, 99, 128],
    ...[255, 255, 99, 128],
    ...[0, 10, 99, 128],
    ...[1, 11, 99, 128],
  ]);
  assertThrows(
    () => raster.put(tiling, tiling.tiles[0]!, output.slice(1)),
    RangeError,
    "expected 12",
  );
});

test("image: every kind of file comes back as its own kind", () => {
  for (const channels of [1, 2, 3, 4]) {
    for (const depth of [8, 16] as const) {
      const length = 3 * 2 * channels;
      const data = depth === 8
        ? Uint8Array.from({ length }, (_, i) => i * 7)
        : Uint16Array.from({ length }, (_, i) => i * 1700);
      const picture = readImage(encode({ width: 3, height: 2, channels, depth, data }));
      // An enlargement by one is not on offer, but shows that nothing is lost on the way.
      const raster = new Raster(picture, 1);
      const tiling = planTiles(3, 2, 64);
      raster.put(tiling, tiling.tiles[0]!, picture.planes);
      const again = readImage(raster.encode());
      assertEquals([again.gray, again.depth], [picture.gray, picture.depth]);
      assertEquals(again.alpha, picture.alpha);
      assertEquals(raster.data.length, data.length);
      assertEquals([...raster.data], [...data], `${channels} channels of ${depth} bits`);
    }
  }
});
