// Puts a crop of the plainly enlarged image (each pixel repeated) beside the network's result, for a
// look at what the network adds.
//
//   deno run --allow-all examples/upscale/compare.ts IN.png ENLARGED.png OUT.png X Y WIDTH HEIGHT
//
// X, Y, WIDTH and HEIGHT are in pixels of the small image; its enlargement was made by main.ts.

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { encode } from "fast-png";
import { type Picture, readImage } from "./image.ts";

const gap = 8;

/** One color value of a picture, 0 to 255. */
function sample(picture: Picture, channel: number, x: number, y: number): number {
  const { width, height, planes } = picture;
  return Math.round(planes[(channel * height + y) * width + x]!);
}

const [before, after, output, ...numbers] = process.argv.slice(2);
const [x = 0, y = 0, width = 0, height = 0] = numbers.map(Number);
if (before === undefined || after === undefined || output === undefined) {
  console.error("error: expected IN.png ENLARGED.png OUT.png X Y WIDTH HEIGHT");
  process.exit(1);
}
const small = readImage(readFileSync(before));
const large = readImage(readFileSync(after));
const scale = large.width / small.width;
const inside = width > 0 && height > 0 && x >= 0 && y >= 0 && x + width <= small.width &&
  y + height <= small.height;
if (!Number.isInteger(scale) || large.height !== small.height * scale || !inside) {
  console.error(
    `error: no crop of ${width}x${height} at ${x}, ${y} in ${small.width}x${small.height} that ` +
      `${large.width}x${large.height} enlarges`,
  );
  process.exit(1);
}
const side = width * scale;
const result = { width: 2 * side + gap, height: height * scale, channels: 3, depth: 8 as const };
const data = new Uint8Array(result.width * result.height * 3).fill(255);
for (let row = 0; row < result.height; row++) {
  for (let column = 0; column < side; column++) {
    for (let channel = 0; channel < 3; channel++) {
      const at = (row * result.width + column) * 3 + channel;
      const smallX = x + Math.floor(column / scale);
      const smallY = y + Math.floor(row / scale);
      data[at] = sample(small, channel, smallX, smallY);
      data[at + (side + gap) * 3] = sample(large, channel, x * scale + column, y * scale + row);
    }
  }
}
writeFileSync(output, encode({ ...result, data }));
console.log(`wrote ${output}: ${result.width}x${result.height}`);
