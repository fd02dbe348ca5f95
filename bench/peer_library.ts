// TensorFlow.js as the peer uses it: the types of a few functions, and how its threads are started.
//
// The library switches threads off outside browsers, and its build asks for half of the cores at
// most. Both are undone here, because a peer that runs at half its speed would be no peer.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import type { Backend, PeerGreeting } from "./peer_protocol.ts";

const require = createRequire(import.meta.url);
const threads = 2;

/** The part of a tensor that the peer uses. */
export interface PeerTensor {
  readonly shape: readonly number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}
/** How a convolution is padded. */
export type Padding = "valid" | "same" | readonly (readonly number[])[];
/** A convolution with its bias. */
export interface FusedConvolution {
  readonly x: PeerTensor;
  readonly filter: PeerTensor;
  readonly strides: readonly number[];
  readonly pad: Padding;
  readonly dilations?: readonly number[];
  readonly bias?: PeerTensor;
  readonly activation?: string;
}
/** The part of @tensorflow/tfjs-core that the peer uses. */
export interface Library {
  readonly version_core: string;
  readonly fused: {
    conv2d(options: FusedConvolution): PeerTensor;
    depthwiseConv2d(options: FusedConvolution): PeerTensor;
  };
  readonly image: {
    resizeNearestNeighbor(
      x: PeerTensor,
      size: readonly [number, number],
    ): PeerTensor;
  };
  engine(): { startScope(): void; endScope(): void };
  env(): {
    set(name: string, value: boolean): void;
    getAsync(name: string): Promise<boolean>;
  };
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<T>(run: () => T): T;
  tensor(values: Float32Array, shape: readonly number[]): PeerTensor;
  add(a: PeerTensor, b: PeerTensor): PeerTensor;
  concat(tensors: readonly PeerTensor[], axis: number): PeerTensor;
  split(tensor: PeerTensor, count: number, axis: number): PeerTensor[];
  reshape(tensor: PeerTensor, shape: readonly number[]): PeerTensor;
  pad(tensor: PeerTensor, padding: readonly (readonly number[])[]): PeerTensor;
  conv3d(
    x: PeerTensor,
    w: PeerTensor,
    strides: readonly number[],
    pad: string,
  ): PeerTensor;
  conv2dTranspose(
    x: PeerTensor,
    filter: PeerTensor,
    outputShape: readonly number[],
    strides: readonly number[],
    pad: string,
  ): PeerTensor;
  maxPool(
    x: PeerTensor,
    size: readonly number[],
    strides: readonly number[],
    pad: number,
    rounding: "floor",
  ): PeerTensor;
  avgPool3d(
    x: PeerTensor,
    size: readonly number[],
    strides: readonly number[],
    pad: string,
  ): PeerTensor;
  mean(
    x: PeerTensor,
    axes: readonly number[],
    keepDimensions: boolean,
  ): PeerTensor;
  mirrorPad(
    x: PeerTensor,
    padding: readonly (readonly number[])[],
    mode: "reflect",
  ): PeerTensor;
  depthToSpace(x: PeerTensor, factor: number, layout: "NHWC"): PeerTensor;
}

/** Lets the library's worker threads start outside a browser; returns the folder to remove. */
function enableThreads(folder: string): string {
  const scratch = mkdtempSync(join(os.tmpdir(), "vknn-peer-"));
  const script = join(folder, "wasm-out/tfjs-backend-wasm-threaded-simd.js");
  const { wasmWorkerContents } = require(script.replace(/\.js$/, ".worker.js"));
  const workerFile = join(scratch, "worker.cjs");
  // As the library does it for its blob; `location` cannot be assigned in a Deno worker.
  const source = (wasmWorkerContents as string).replace(/\n/g, "\\n")
    .replace("location:{href:__filename},", "");
  writeFileSync(workerFile, source);
  const workerThreads = require("node:worker_threads");
  workerThreads.Worker = class extends workerThreads.Worker {
    constructor() {
      super(workerFile);
    }
    postMessage(message: { cmd?: string }): void {
      // The script travels as a Blob, which only browsers can import.
      super.postMessage(
        message.cmd === "load" ? { ...message, urlOrBlob: script } : message,
      );
    }
  };
  const cores = os.cpus();
  const doubled = [...cores, ...cores];
  while (doubled.length < 2 * threads) doubled.push(...cores);
  require("node:os").cpus = () => doubled;
  return scratch;
}

/** Starts the WebAssembly backend with SIMD and threads. */
function startWebAssembly(tf: Library): { version: string; threads(): number } {
  const folder = dirname(
    require.resolve("@tensorflow/tfjs-backend-wasm/package.json"),
  );
  const scratch = enableThreads(folder);
  process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
  const wasm = require("@tensorflow/tfjs-backend-wasm") as {
    setThreadsCount(count: number): void;
    getThreadsCount(): number;
    setWasmPaths(folder: string): void;
  };
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", true);
  wasm.setThreadsCount(threads);
  wasm.setWasmPaths(join(folder, "dist") + "/");
  return { version: versionOf("wasm"), threads: () => wasm.getThreadsCount() };
}

/** Starts the WebGPU backend, which only Deno offers outside browsers, on the device that ours uses too. */
async function startWebGpu(): Promise<{ version: string; threads(): number }> {
  const gpu = (globalThis.navigator as unknown as { gpu?: Gpu }).gpu;
  const adapter = await gpu?.requestAdapter();
  if (!adapter) {
    throw new Error(
      "this runtime offers no WebGPU adapter; the peer needs Deno",
    );
  }
  // The library asks for a list inside of a list, and for features that a device may not have.
  const prototype = Object.getPrototypeOf(adapter) as Adapter;
  const original = prototype.requestDevice;
  prototype.requestDevice = function (this: Adapter, options) {
    const features = (options?.requiredFeatures ?? []).flat().filter((each) =>
      this.features.has(each)
    );
    return original.call(this, { ...options, requiredFeatures: features });
  };
  require("@tensorflow/tfjs-backend-webgpu");
  return { version: versionOf("webgpu"), threads: () => 0 };
}

interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}
interface Adapter {
  readonly features: ReadonlySet<string>;
  requestDevice(
    options?: { requiredFeatures?: readonly string[] },
  ): Promise<unknown>;
}

function versionOf(backend: Backend): string {
  const file = require.resolve(
    `@tensorflow/tfjs-backend-${backend}/package.json`,
  );
  return `tfjs ${JSON.parse(readFileSync(file, "utf8")).version}`;
}

/** Starts a backend of the library. */
export async function startLibrary(
  backend: Backend,
): Promise<{ tf: Library; greeting: PeerGreeting }> {
  const tf = require("@tensorflow/tfjs-core") as Library;
  const started = backend === "wasm" ? startWebAssembly(tf) : await startWebGpu();
  if (!await tf.setBackend(backend)) {
    throw new Error(`the ${backend} backend did not start`);
  }
  await tf.ready();
  const { bun, deno } = process.versions as Record<string, string | undefined>;
  const greeting: PeerGreeting = {
    version: started.version,
    threads: started.threads(),
    simd: backend === "wasm" &&
      await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"),
    runtime: bun !== undefined
      ? `bun ${bun}`
      : deno !== undefined
      ? `deno ${deno}`
      : `node ${process.version}`,
  };
  return { tf, greeting };
}
