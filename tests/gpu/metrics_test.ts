/** Metrics on the device against plain loops in float64. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { metrics, ShapeError, tensor } from "../../mod.ts";
import { gpuTest } from "../support/test.ts";

/** Numbers from 0 to 1 that look random. */
function noise(length: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, at) => {
    const value = Math.sin(at * 12.9898 + seed * 78.233) * 43758.5453;
    return value - Math.floor(value);
  });
}

gpuTest("Accuracy counts classes over batches, and starts anew after reset()", async () => {
  using accuracy = new metrics.Accuracy();
  assert(Number.isNaN(await accuracy.get()));
  using label = tensor(new Int32Array([2, 0, 1]));
  using scores = tensor([[0, 1, 2], [3, 1, 2], [5, 1, 2]]);
  using classes = tensor([2, 0, 1]);
  accuracy.update(label, scores); // two of three
  assertAlmostEquals(await accuracy.get(), 2 / 3, 1e-12);
  accuracy.update(label, classes); // three of three
  assertAlmostEquals(await accuracy.get(), 5 / 6, 1e-12);
  accuracy.reset();
  for (let i = 0; i < 130; i++) accuracy.update(label, scores);
  assertAlmostEquals(await accuracy.get(), 2 / 3, 1e-12);
  using short = tensor([1, 2]);
  assertThrows(() => accuracy.update(short, scores), ShapeError, "Cannot update Accuracy");
  assertThrows(
    () => accuracy.update(1 as never, scores),
    TypeError,
    "Cannot update Accuracy: label is",
  );
});

gpuTest("PSNR is the mean of the samples' decibels", async () => {
  const [a, b] = [noise(2 * 3 * 20, 1), noise(2 * 3 * 20, 2)];
  using label = tensor(a.map((value) => 255 * value), [2, 3, 4, 5]);
  using pred = tensor(b.map((value) => 255 * value), [2, 3, 4, 5]);
  using psnr = new metrics.PSNR({ maxValue: 255 });
  psnr.update(label, pred);
  const decibels = [0, 1].map((sample) => {
    let error = 0;
    for (let at = 60 * sample; at < 60 * (sample + 1); at++) error += (a[at]! - b[at]!) ** 2 / 60;
    return -10 * Math.log10(error);
  });
  assertAlmostEquals(await psnr.get(), (decibels[0]! + decibels[1]!) / 2, 1e-4);
});

gpuTest("SSIM weighs windows of 11 x 11 pixels by a Gaussian", async () => {
  const [height, width] = [13, 14];
  const size = height * width;
  const a = noise(2 * size, 3);
  const b = a.map((value, at) => 0.7 * value + 0.3 * noise(2 * size, 4)[at]!);
  using label = tensor(a, [1, 2, height, width]);
  using pred = tensor(b, [1, 2, height, width]);
  using ssim = new metrics.SSIM();
  ssim.update(label, pred);
  const weight = Array.from({ length: 11 }, (_, at) => Math.exp(-((at - 5) ** 2) / 4.5));
  const total = weight.reduce((sum, tap) => sum + tap, 0) ** 2;
  let wanted = 0;
  let windows = 0;
  for (let plane = 0; plane < 2; plane++) {
    for (let y = 0; y + 11 <= height; y++) {
      for (let x = 0; x + 11 <= width; x++) {
        const moments = [0, 0, 0, 0, 0];
        for (let i = 0; i < 11; i++) {
          for (let j = 0; j < 11; j++) {
            const at = plane * size + (y + i) * width + x + j;
            const [p, q] = [a[at]!, b[at]!];
            const share = weight[i]! * weight[j]! / total;
            [p, q, p * p, q * q, p * q].forEach((term, k) => moments[k]! += share * term);
          }
        }
        const [p, q, pp, qq, pq] = moments as [number, number, number, number, number];
        const above = (2 * p * q + 1e-4) * (2 * (pq - p * q) + 9e-4);
        const below = (p * p + q * q + 1e-4) * (pp - p * p + qq - q * q + 9e-4);
        wanted += above / below;
        windows++;
      }
    }
  }
  assertAlmostEquals(await ssim.get(), wanted / windows, 1e-4);
  using small = tensor(new Float32Array(100), [1, 1, 10, 10]);
  assertThrows(() => ssim.update(small, small), ShapeError, "at least 11 x 11");
  assertThrows(() => ssim.update(small, pred), ShapeError, "expected equal shapes");
  assertEquals(ssim.name, "ssim");
});
