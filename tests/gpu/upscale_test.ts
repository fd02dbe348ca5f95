/** The main job on the device: agreement with TensorFlow.js, and tiles without seams. */
import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import type { Picture } from "../../examples/upscale/image.ts";
import { FoldedNetwork } from "../../examples/upscale/folded_network.ts";
import { flopsPerPixel, suitableTile, UpscaleNetwork } from "../../examples/upscale/network.ts";
import { upscale } from "../../examples/upscale/upscale.ts";
import { defaultDevice, scope, type Tensor, tensor } from "../../mod.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

interface Block {
  readonly shape: readonly [number, number, number, number];
  readonly offset: number;
  readonly pixelStep?: number;
}
interface Crop {
  readonly scale: number;
  readonly input: Block;
  readonly output: Block;
  readonly intermediates: Readonly<Record<string, Block>>;
}

const golden = new URL("../golden/upscale_reference.", import.meta.url);
const { crops } = JSON.parse(readFileSync(new URL(`${golden}json`), "utf8")) as {
  crops: readonly Crop[];
};
// A copy, because the slices of a Buffer share one memory.
const bytes = new Uint8Array(readFileSync(new URL(`${golden}bin`)));

/** A pixel of the reference: its position in a plane and its channel values. */
function* pixels(block: Block): Generator<[number, Float32Array]> {
  const [, height, width, channels] = block.shape;
  let offset = block.offset;
  for (let pixel = 0; pixel < height * width; pixel += block.pixelStep ?? 1) {
    yield [pixel, new Float32Array(bytes.slice(offset, offset + 4 * channels).buffer)];
    offset += 4 * channels;
  }
}

/** The reference's input, channel-first. */
function inputOf(
  block: Block,
): { planes: Float32Array<ArrayBuffer>; width: number; height: number } {
  const [, height, width] = block.shape;
  const planes = new Float32Array(3 * width * height);
  for (const [pixel, values] of pixels(block)) {
    values.forEach((value, channel) => planes[channel * width * height + pixel] = value);
  }
  return { planes, width, height };
}

/** Full scale is 255: single values within 2e-3 of it, the mean within 1e-4. */
function assertAgrees(actual: ArrayLike<number>, wanted: Block, label: string): void {
  const plane = wanted.shape[1] * wanted.shape[2];
  assertEquals(actual.length, plane * wanted.shape[3], label);
  let worst = 0;
  let sum = 0;
  let count = 0;
  for (const [pixel, values] of pixels(wanted)) {
    for (let channel = 0; channel < values.length; channel++) {
      const error = Math.abs(actual[channel * plane + pixel]! - values[channel]!);
      // Written so that NaN is not let through.
      if (!(error <= worst)) worst = error;
      sum += error;
      count++;
    }
  }
  assert(worst <= 0.51, `${label}: worst error ${worst}`);
  assert(sum / count <= 0.0255, `${label}: mean error ${sum / count}`);
}

for (const crop of crops) {
  gpuTest(`upscale: x${crop.scale} folded agrees with TensorFlow.js`, async () => {
    const { planes, width, height } = inputOf(crop.input);
    const layers = UpscaleNetwork.load(crop.scale);
    const folded = FoldedNetwork.load(crop.scale);
    const image = tensor(planes, [1, 3, height, width]);
    const [expected, actual] = [layers.call(image), scope(() => folded.call(image))];
    const wanted = await expected.data();
    const data = await actual.data();
    assertAgrees(data, crop.output, "output");
    let worst = 0;
    data.forEach((value, i) => worst = Math.max(worst, Math.abs(value - wanted[i]!) / 255));
    // At the borders too, where biases must not leak into the padding.
    assert(worst <= 1e-5, `folded and layer by layer differ by ${worst}`);
    const features = scope(() => folded.features(image));
    if (crop.intermediates["FDF"] !== undefined) {
      assertAgrees(await features.data(), crop.intermediates["FDF"], "FDF");
    }
    for (const t of [image, expected, actual, features]) t.dispose();
    layers.dispose();
    folded.dispose();
  });

  gpuTest(`upscale: x${crop.scale} agrees with TensorFlow.js`, async () => {
    const { planes, width, height } = inputOf(crop.input);
    const network = UpscaleNetwork.load(crop.scale);
    const image = tensor(planes, [1, 3, height, width]);
    const made: Record<string, Tensor> = { output: network.call(image) };
    if (Object.keys(crop.intermediates).length > 0) {
      made["F_m1"] = network.F_m1.call(image);
      made["F_0"] = network.F_0.call(made["F_m1"]);
      made["FDF"] = scope(() => network.features(image));
    }
    assertEquals(made["output"]!.shape, [1, 3, height * crop.scale, width * crop.scale]);
    for (const [name, result] of Object.entries(made)) {
      const wanted = name === "output" ? crop.output : crop.intermediates[name]!;
      assertAgrees(await result.data(), wanted, name);
      result.dispose();
    }
    image.dispose();
    network.dispose();
  });
}

gpuTest("upscale: the golden crops cover all enlargements and three intermediates", () => {
  assertEquals(crops.map((crop) => crop.scale).toSorted(), [2, 3, 4]);
  assertEquals(Object.keys(crops[0]!.intermediates).toSorted(), ["FDF", "F_0", "F_m1"]);
});

/** A picture of random numbers: the hardest to cut without a seam. */
function noise(width: number, height: number): Picture {
  const planes = new Random(5).float32(3 * width * height, 0, 255);
  return { width, height, planes, alpha: null, gray: false, depth: 16 };
}

gpuTest("upscale: tiles and the whole image give the same result", async () => {
  const network = FoldedNetwork.load(2);
  const device = defaultDevice();
  const picture = noise(101, 75);
  const whole = await upscale(picture, network, { scale: 2, tile: 128, device });
  for (const tile of [40, 47, 64]) {
    let started = 0;
    let finished = 0;
    const tiled = await upscale(picture, network, {
      scale: 2,
      tile,
      device,
      onStart: (tiles) => started = tiles,
      onTile: () => finished++,
    });
    assert(started > 1);
    assertEquals(finished, started);
    let worst = 0;
    // Sixteen bits resolve 1.5e-5 of full scale: equal to the last digit, or off by one in it.
    tiled.data.forEach((value, i) => worst = Math.max(worst, Math.abs(value - whole.data[i]!)));
    assert(worst <= 1, `tile ${tile}: ${worst} of 65535`);
  }
  network.dispose();
});

gpuTest("upscale: overlapping tiles match to 1e-5 of full scale before rounding", async () => {
  const network = FoldedNetwork.load(3);
  const width = 61;
  const height = 33;
  const { planes } = noise(width, height);
  const whole = tensor(planes, [1, 3, height, width]);
  const left = 41;
  const part = new Float32Array(3 * height * left);
  for (let row = 0; row < 3 * height; row++) {
    part.set(planes.subarray(row * width, row * width + left), row * left);
  }
  const region = tensor(part, [1, 3, height, left]);
  const wholeResult = network.call(whole);
  const regionResult = network.call(region);
  const expected = await wholeResult.data();
  const actual = await regionResult.data();
  let worst = 0;
  for (let row = 0; row < 9 * height; row++) {
    for (let column = 0; column < 3 * (left - 10); column++) {
      const a = actual[row * 3 * left + column]!;
      const b = expected[row * 3 * width + column]!;
      const error = Math.abs(a - b) / 255;
      if (!(error <= worst)) worst = error;
    }
  }
  assert(worst <= 1e-5, `worst ${worst}`);
  for (const t of [whole, region, wholeResult, regionResult]) t.dispose();
  network.dispose();
});

gpuTest("upscale: opacity is enlarged plainly and memory is given back", async () => {
  const device = defaultDevice();
  const before = device.memory().liveBytes;
  const network = FoldedNetwork.load(2);
  const alpha = new Float32Array(30 * 20).fill(255);
  alpha.fill(0, 0, 300);
  const picture: Picture = { ...noise(30, 20), alpha, depth: 8 };
  const raster = await upscale(picture, network, { scale: 2, tile: 64, device });
  assertEquals(raster.channels, 4);
  assertEquals(raster.data[3], 0);
  assertEquals(raster.data.at(-1), 255);
  network.dispose();
  assertEquals(device.memory().liveBytes, before);
});

gpuTest("upscale: an error in the middle leaves nothing behind", async () => {
  const device = defaultDevice();
  const network = FoldedNetwork.load(2);
  // The first run repacks the weights, which stay as long as the network.
  await upscale(noise(40, 40), network, { scale: 2, tile: 40, device });
  const before = device.memory().liveBytes;
  let steps = 0;
  const failing = upscale(noise(100, 60), network, {
    scale: 2,
    tile: 40,
    device,
    onTile: () => {
      if (++steps === 3) throw new Error("stop here");
    },
  });
  assertEquals(await failing.then(() => "", (error: Error) => error.message), "stop here");
  assertEquals(device.memory().liveBytes, before);
  network.dispose();
});

gpuTest("upscale: the tile size follows the device's limit", () => {
  assertEquals(suitableTile(2, 2 ** 32), 256);
  assertEquals(suitableTile(2, 2 ** 27), 256);
  assertEquals(suitableTile(4, 2 ** 27), 184);
  assertEquals(suitableTile(4, 2 ** 16), 40);
});

gpuTest("upscale: the FLOP count is the one of the reference", () => {
  assertEquals(flopsPerPixel(2), 445_088);
});
