// Enlarges a photograph with a pretrained network.
//
//   deno run --allow-all examples/upscale/main.ts in.png out.png --scale 2
//   bun examples/upscale/main.ts in.jpg out.png --scale 4 --tile 128

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { openDevice, runProgram, UserError, writeWhole } from "../support/program.ts";
import { Progress } from "../support/progress.ts";
import { FoldedNetwork } from "./folded_network.ts";
import { readHead, readImage } from "./image.ts";
import { flopsPerPixel, suitableTile } from "./network.ts";
import { profileTable } from "./profile.ts";
import { smallestTile } from "./tiles.ts";
import { upscale } from "./upscale.ts";
import { scales } from "./weights.ts";

const help = `Enlarges a photograph with a pretrained network on a Vulkan device.

usage: main.ts INPUT OUTPUT [options]

  INPUT          a PNG or JPEG file
  OUTPUT         a PNG file to write; its folder must exist

  --scale N      how much larger: ${scales.join(", ")} (default 2)
  --tile N       largest side of a tile in input pixels, at least ${smallestTile} (default: what
                 suits the device); smaller tiles need less device memory and more time
  --device NAME  a part of the device's name, its index, or discrete, integrated, virtual, cpu
  --profile      print the device time of every kernel
  --help         print this
`;

/** More would not fit into one array on the host, long before the device minds. */
const largestResult = 256e6;

interface Settings {
  readonly input: string;
  readonly output: string;
  readonly scale: number;
  /** Undefined stands for what suits the device. */
  readonly tile: number | undefined;
  readonly device: string | undefined;
  readonly profile: boolean;
}

/** Reads the command line; null stands for a wish for help. */
function readSettings(parameters: string[]): Settings | null {
  let parsed;
  try {
    parsed = parseArgs({
      args: parameters,
      allowPositionals: true,
      options: {
        scale: { type: "string", default: "2" },
        tile: { type: "string" },
        device: { type: "string" },
        profile: { type: "boolean", default: false },
        help: { type: "boolean", default: false, short: "h" },
      },
    });
  } catch (cause) {
    throw new UserError(`${(cause as Error).message}; --help lists the options`, { cause });
  }
  const { values, positionals } = parsed;
  if (values.help) return null;
  const [input, output] = positionals;
  if (input === undefined || output === undefined || positionals.length > 2) {
    throw new UserError(
      `expected an input and an output file, found ${positionals.length} names; see --help`,
    );
  }
  const scale = Number(values.scale);
  if (!scales.includes(scale)) {
    throw new UserError(`the scale must be ${scales.join(", ")}, not '${values.scale}'`);
  }
  const tile = values.tile === undefined ? undefined : Number(values.tile);
  if (tile !== undefined && (!Number.isInteger(tile) || tile < smallestTile)) {
    throw new UserError(
      `the tile size must be an integer from ${smallestTile}, not '${values.tile}'`,
    );
  }
  const { device, profile } = values;
  return { input, output, scale, tile, device, profile };
}

/** Refuses output names that cannot work before any work is done. */
function checkOutput(output: string): void {
  if (!/\.png$/i.test(output)) {
    throw new UserError(`the output is written as PNG, so '${output}' must end in .png`);
  }
  const folder = dirname(output);
  if (!existsSync(folder)) throw new UserError(`the output folder '${folder}' does not exist`);
  if (!statSync(folder).isDirectory()) throw new UserError(`'${folder}' is not a folder`);
  if (existsSync(output) && statSync(output).isDirectory()) {
    throw new UserError(`the output '${output}' is a folder`);
  }
}

/** Reads the input file and checks what its head says, so that nothing huge is ever decoded. */
function readInput(path: string, scale: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const { code } = cause as { code?: string };
    const reason = code === "ENOENT"
      ? "does not exist"
      : code === "EISDIR"
      ? "is a folder"
      : `cannot be read (${code ?? (cause as Error).message})`;
    throw new UserError(`the input '${path}' ${reason}`, { cause });
  }
  try {
    const { width, height } = readHead(bytes);
    const result = width * height * scale * scale;
    if (result > largestResult) {
      throw new UserError(
        `${width}x${height} enlarged by ${scale} makes ${Math.round(result / 1e6)} megapixels; ` +
          `at most ${largestResult / 1e6} fit`,
      );
    }
  } catch (cause) {
    throw inFile(path, cause);
  }
  return bytes;
}

function inFile(path: string, cause: unknown): unknown {
  return cause instanceof UserError ? new UserError(`${path}: ${cause.message}`, { cause }) : cause;
}

/** What a user can do about errors of the device. */
const advice: Readonly<Record<string, string>> = {
  LimitError: "the tile is too large for the device: choose a smaller --tile",
  OutOfMemoryError: "the tile is too large for the device's memory: choose a smaller --tile",
  DeadlineError: "the device took too long: choose a smaller --tile",
  DeviceLostError: "the device stopped: choose a smaller --tile or another --device",
};

async function run(settings: Settings): Promise<void> {
  const { input, output, scale } = settings;
  checkOutput(output);
  const bytes = readInput(input, scale);
  const begin = performance.now();
  let picture;
  try {
    picture = readImage(bytes);
  } catch (cause) {
    throw inFile(input, cause);
  }
  const device = openDevice(settings.device);
  let progress: Progress | undefined;
  try {
    const network = FoldedNetwork.load(scale, device);
    const { name } = device.adapter;
    console.log(`${picture.width}x${picture.height} to ${scale} times that on ${name}`);
    if (settings.profile) device.startProfile();
    const start = performance.now();
    const raster = await upscale(picture, network, {
      scale,
      tile: settings.tile ?? suitableTile(scale, device.adapter.limits.maxStorageBufferRange),
      device,
      onStart: (tiles) => progress = new Progress(tiles, tiles === 1 ? "tile" : "tiles"),
      onTile: () => progress?.step(),
    });
    const seconds = (performance.now() - start) / 1000;
    progress?.finish();
    const timings = settings.profile ? await device.stopProfile() : [];
    network.dispose();
    writeWhole(output, raster.encode());
    const all = (performance.now() - begin) / 1000;
    // Useful work only, by the original's layers: what overlapping tiles compute twice is not counted.
    const flops = flopsPerPixel(scale) * picture.width * picture.height;
    const megapixels = raster.width * raster.height / 1e6;
    console.log(
      `${raster.width}x${raster.height} (${megapixels.toFixed(2)} megapixels): ` +
        `${seconds.toFixed(2)} s on the device, ${(flops / seconds / 1e9).toFixed(1)} GFLOP/s; ` +
        `${all.toFixed(2)} s with reading and writing`,
    );
    if (settings.profile) console.log(profileTable(timings));
  } finally {
    progress?.finish();
    device.dispose();
  }
}

process.exitCode = await runProgram(async () => {
  const settings = readSettings(process.argv.slice(2));
  if (settings === null) console.log(help);
  else await run(settings);
}, advice);
