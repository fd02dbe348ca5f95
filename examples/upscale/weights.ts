// The pretrained weights of npm @upscalerjs/esrgan-slim (MIT): a Keras model saved for
// TensorFlow.js, of which only the weight list and the raw float32 file are read.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The enlargements that there are weights for. */
export const scales: readonly number[] = [2, 3, 4];

/** One array of the weight file. */
export interface WeightArray {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

interface ManifestGroup {
  readonly paths: readonly string[];
  readonly weights: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: string;
  }[];
}

/** The folder of the weights for one enlargement inside node_modules. */
export function weightsFolder(scale: number): string {
  if (!scales.includes(scale)) {
    throw new RangeError(`the scale must be ${scales.join(", ")}, not ${scale}`);
  }
  let entry: string;
  try {
    // The package exports no path to its weight files, so start from its main module.
    entry = createRequire(import.meta.url).resolve("@upscalerjs/esrgan-slim");
  } catch (cause) {
    throw new Error("the weights are missing: run `npm install` in the repository", { cause });
  }
  const marker = join("@upscalerjs", "esrgan-slim");
  const root = entry.slice(0, entry.lastIndexOf(marker) + marker.length);
  return join(root, "models", `x${scale}`);
}

/**
 * Reads the weights as Keras stores them: kernels are `[height, width, in, out]`.
 *
 * @param scale The enlargement: 2, 3 or 4.
 * @returns The arrays by Keras name, for example `F_0/kernel`.
 */
export function readKerasWeights(scale: number): Map<string, WeightArray> {
  const path = join(weightsFolder(scale), "model.json");
  const model = JSON.parse(readFileSync(path, "utf8")) as {
    weightsManifest: readonly ManifestGroup[];
  };
  const result = new Map<string, WeightArray>();
  for (const group of model.weightsManifest) {
    const files = group.paths.map((name) => readFileSync(join(dirname(path), name)));
    const length = files.reduce((sum, file) => sum + file.byteLength, 0);
    const bytes = new Uint8Array(length);
    let offset = 0;
    for (const file of files) {
      bytes.set(file, offset);
      offset += file.byteLength;
    }
    offset = 0;
    for (const { name, shape, dtype } of group.weights) {
      const count = shape.reduce((product, extent) => product * extent, 1);
      if (dtype !== "float32" || offset + 4 * count > length) {
        throw new Error(`${path} does not fit its weight file at ${name}`);
      }
      const data = new Float32Array(bytes.slice(offset, offset + 4 * count).buffer);
      result.set(name, { shape, data });
      offset += 4 * count;
    }
    if (offset !== length) throw new Error(`${path} describes ${offset} bytes of ${length}`);
  }
  return result;
}

/** Turns a Keras kernel `[height, width, in, out]` into `[out, in, height, width]`. */
export function transposeKernel(kernel: WeightArray): WeightArray {
  const [height, width, inputs, outputs] = kernel.shape as [number, number, number, number];
  const data = new Float32Array(kernel.data.length);
  let source = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let i = 0; i < inputs; i++) {
        for (let o = 0; o < outputs; o++) {
          data[((o * inputs + i) * height + y) * width + x] = kernel.data[source++]!;
        }
      }
    }
  }
  return { shape: [outputs, inputs, height, width], data };
}

/**
 * Reads the weights under the names and in the order of this module's layers, ready for
 * `loadDict`: `F_0.weight` and `F_0.bias`.
 *
 * @param scale The enlargement: 2, 3 or 4.
 */
export function readWeights(scale: number): Map<string, WeightArray> {
  const result = new Map<string, WeightArray>();
  for (const [name, array] of readKerasWeights(scale)) {
    const [layer, kind] = name.split("/") as [string, string];
    if (kind === "kernel") result.set(`${layer}.weight`, transposeKernel(array));
    else result.set(`${layer}.${kind}`, array);
  }
  return result;
}
