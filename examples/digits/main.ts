// Trains a small network on handwritten digits and shows what it learned.
//
//   deno run --allow-all examples/digits/main.ts
//   bun examples/digits/main.ts --epochs 10 --schedule cosine

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  initializers,
  RandomStream,
  schedulers,
  seed,
  setDefaultDevice,
  Trainer,
} from "../../mod.ts";
import { openDevice, runProgram, UserError, writeWhole } from "../support/program.ts";
import { Progress } from "../support/progress.ts";
import { drawConfusion } from "./confusion.ts";
import { drawCurve } from "./curve.ts";
import { type Digits, readDigits, shifted, take } from "./data.ts";
import { makeNetwork } from "./network.ts";
import { shuffled, test, trainEpoch } from "./train.ts";

const help = `Trains a small network on 8,000 handwritten digits and tests it on 2,000 others.

usage: main.ts [options]

  --epochs N        how often every image is seen (default 3)
  --schedule NAME   learning rate: constant, or cosine: after a warm-up it falls to 0 along half a cosine,
                    with weight decay (default constant)
  --shift N         moves every image by up to N pixels at random (default 0, with cosine 1)
  --batch N         images in a batch (default 64)
  --seed N          makes other initial weights and another order (default 1)
  --images N        train with the first N images only
  --device NAME     a part of the device's name, its index, or discrete, integrated, virtual, cpu
  --out FOLDER      where digits.params, loss.svg and confusion.png go (default out/digits)
  --help            print this
`;

const LEARNING_RATE = 0.05;
const MOMENTUM = 0.9;
/** Long training of few images needs something against learning them by heart. */
const WEIGHT_DECAY = 5e-4;

interface Settings {
  readonly epochs: number;
  readonly schedule: "constant" | "cosine";
  readonly shift: number;
  readonly batch: number;
  readonly seed: number;
  readonly images: number | undefined;
  readonly device: string | undefined;
  readonly out: string;
}

function whole(name: string, text: string, minimum: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= minimum) return value;
  throw new UserError(`--${name} must be an integer from ${minimum}, not '${text}'`);
}

/** Reads the command line; null stands for a wish for help. */
function readSettings(parameters: string[]): Settings | null {
  let parsed;
  try {
    parsed = parseArgs({
      args: parameters,
      options: {
        epochs: { type: "string", default: "3" },
        schedule: { type: "string", default: "constant" },
        shift: { type: "string" },
        batch: { type: "string", default: "64" },
        seed: { type: "string", default: "1" },
        images: { type: "string" },
        device: { type: "string" },
        out: { type: "string", default: "out/digits" },
        help: { type: "boolean", default: false, short: "h" },
      },
    });
  } catch (cause) {
    throw new UserError(`${(cause as Error).message}; --help lists the options`, { cause });
  }
  const { values } = parsed;
  if (values.help) return null;
  const { schedule } = values;
  if (schedule !== "constant" && schedule !== "cosine") {
    throw new UserError(`the schedule must be constant or cosine, not '${schedule}'`);
  }
  return {
    epochs: whole("epochs", values.epochs, 1),
    schedule,
    shift: whole("shift", values.shift ?? (schedule === "cosine" ? "1" : "0"), 0),
    batch: whole("batch", values.batch, 1),
    seed: whole("seed", values.seed, 0),
    images: values.images === undefined ? undefined : whole("images", values.images, 1),
    device: values.device,
    out: values.out,
  };
}

function makeTrainer(network: ReturnType<typeof makeNetwork>, settings: Settings, steps: number) {
  const options = settings.schedule === "constant" ? { learningRate: LEARNING_RATE } : {
    wd: WEIGHT_DECAY,
    lrScheduler: new schedulers.CosineScheduler(steps, {
      baseLr: LEARNING_RATE,
      warmupSteps: Math.ceil(steps / 20),
      warmupBeginLr: LEARNING_RATE / 10,
    }),
  };
  return new Trainer(network.collectParams(), "sgd", { momentum: MOMENTUM, ...options });
}

async function run(settings: Settings): Promise<void> {
  const { epochs, batch, shift, out } = settings;
  const { train: all, test: others } = readDigits();
  const images: Digits = settings.images === undefined
    ? all
    : take(all, Uint32Array.from({ length: Math.min(settings.images, all.count) }, (_, at) => at));
  try {
    mkdirSync(out, { recursive: true });
  } catch (cause) {
    throw new UserError(`the folder '${out}' cannot be made`, { cause });
  }
  const device = openDevice(settings.device);
  setDefaultDevice(device);
  let progress: Progress | undefined;
  try {
    seed(settings.seed);
    const network = makeNetwork();
    network.initialize(new initializers.Xavier());
    const batches = Math.ceil(images.count / batch);
    const trainer = makeTrainer(network, settings, epochs * batches);
    const random = new RandomStream(settings.seed);
    console.log(
      `${images.count} images to learn from, ${others.count} to test with, on ${device.adapter.name}`,
    );
    const losses: number[] = [];
    const accuracies: number[] = [];
    let seconds = 0;
    let result = await test(network, take(others, [0]), device); // compiles what testing needs
    for (let epoch = 1; epoch <= epochs; epoch++) {
      progress = new Progress(batches, "batches");
      const start = performance.now();
      const options = {
        batch,
        device,
        change: (some: Digits) => (shift === 0 ? some : shifted(some, shift, random)),
        onBatch: () => progress?.step(),
      };
      const order = shuffled(images.count, random);
      const found = await trainEpoch(network, trainer, images, order, options);
      seconds += (performance.now() - start) / 1000;
      progress.finish();
      losses.push(...found);
      result = await test(network, others, device);
      accuracies.push(result.accuracy);
      const mean = found.reduce((sum, loss) => sum + loss, 0) / found.length;
      console.log(
        `epoch ${epoch}: loss ${mean.toFixed(4)}, ${
          percent(result.accuracy)
        } of the test images right`,
      );
    }
    const weights = join(out, "digits.params");
    await network.saveParameters(weights);
    const again = makeNetwork();
    await again.loadParameters(weights);
    const { accuracy } = await test(again, others, device);
    const title = `${epochs} epochs, ${settings.schedule} learning rate: ${percent(accuracy)}`;
    writeWhole(join(out, "loss.svg"), drawCurve({ title, losses, accuracies }));
    writeWhole(join(out, "confusion.png"), drawConfusion(result.confusion));
    console.log(
      `${
        (epochs * images.count / seconds).toFixed(0)
      } images a second; re-loaded from ${weights}: ` +
        `${percent(accuracy)}`,
    );
    console.log(`pictures: ${join(out, "loss.svg")}, ${join(out, "confusion.png")}`);
    if (accuracy !== result.accuracy) {
      throw new Error("the weights changed on their way to the file");
    }
    for (const each of [network, again, trainer]) each.dispose();
  } finally {
    progress?.finish();
    device.dispose();
  }
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)} %`;
}

process.exitCode = await runProgram(async () => {
  const settings = readSettings(process.argv.slice(2));
  if (settings === null) console.log(help);
  else await run(settings);
});
