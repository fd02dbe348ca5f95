// Training and testing, batch by batch. Losses stay on the device until somebody wants to see them.

import {
  argmax,
  autograd,
  type Device,
  type HybridSequential,
  keep,
  losses,
  mean,
  metrics,
  type RandomStream,
  scope,
  type Tensor,
  tensor,
  type Trainer,
} from "../../mod.ts";
import { CLASSES, type Digits, SIDE, take } from "./data.ts";

/** Images on their way through the network at once when nothing is learned. */
const TEST_BATCH = 256;

function upload(digits: Digits, device: Device): { images: Tensor; labels: Tensor } {
  return {
    images: tensor(digits.pixels, [digits.count, 1, SIDE, SIDE], { device }),
    labels: tensor(digits.labels, [digits.count], { device }),
  };
}

/** The numbers below `count` in a random order. */
export function shuffled(count: number, random: RandomStream): Uint32Array<ArrayBuffer> {
  const order = Uint32Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at--) {
    const other = Math.floor(random.nextUniform() * (at + 1));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}

/**
 * Learns from one batch.
 *
 * @returns The mean loss, one element; it belongs to the caller.
 */
export function trainBatch(
  network: HybridSequential,
  trainer: Trainer,
  batch: Digits,
  device: Device,
): Tensor {
  return scope(() => {
    const { images, labels } = upload(batch, device);
    const loss = autograd.record(() => losses.softmaxCrossEntropy(network.call(images), labels));
    loss.backward();
    trainer.step(batch.count);
    return mean(loss);
  });
}

/**
 * Learns from all images once.
 *
 * @param network The network.
 * @param trainer Steps its parameters.
 * @param digits The images.
 * @param order Their order.
 * @param options Size of a batch, device, what changes each batch, and what is told after it.
 * @returns The mean loss of every batch.
 */
export async function trainEpoch(
  network: HybridSequential,
  trainer: Trainer,
  digits: Digits,
  order: Uint32Array<ArrayBuffer>,
  options: {
    batch: number;
    device: Device;
    change?: (batch: Digits) => Digits;
    onBatch?: () => void;
  },
): Promise<number[]> {
  const { batch, device, change, onBatch } = options;
  const waiting: Tensor[] = [];
  const found: number[] = [];
  const collect = async () => {
    for (const each of waiting.splice(0)) {
      found.push((await each.data())[0] as number);
      each.dispose();
    }
  };
  for (let from = 0; from < order.length; from += batch) {
    const images = take(digits, order.subarray(from, from + batch));
    waiting.push(keep(trainBatch(network, trainer, change?.(images) ?? images, device)));
    onBatch?.();
    // Some batches are under way at any time, so that the device never waits for the next images.
    if (waiting.length >= 8) await collect();
  }
  await collect();
  return found;
}

/** How often each digit (row) was taken for each (column). */
export type Confusion = readonly Uint32Array[];

/** What a test gave. */
export interface TestResult {
  readonly accuracy: number;
  readonly confusion: Confusion;
}

/**
 * Lets the network classify images.
 *
 * @param network The network.
 * @param digits The images.
 * @param device Where they go.
 * @returns The part that is right, and what was taken for what.
 */
export async function test(
  network: HybridSequential,
  digits: Digits,
  device: Device,
): Promise<TestResult> {
  using accuracy = new metrics.Accuracy();
  const confusion = Array.from({ length: CLASSES }, () => new Uint32Array(CLASSES));
  for (let from = 0; from < digits.count; from += TEST_BATCH) {
    const count = Math.min(TEST_BATCH, digits.count - from);
    const part = take(digits, Uint32Array.from({ length: count }, (_, at) => from + at));
    const best = scope(() => {
      const { images, labels } = upload(part, device);
      const scores = network.call(images);
      accuracy.update(labels, scores);
      return argmax(scores, { axis: 1 });
    });
    const classes = await best.data();
    best.dispose();
    classes.forEach((found, at) => confusion[part.labels[at]!]![Number(found)]!++);
  }
  return { accuracy: await accuracy.get(), confusion };
}
