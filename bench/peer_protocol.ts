// What report.ts and the peer's process say to each other: one JSON object a line.

import type { Direction } from "./layers.ts";

/** Where TensorFlow.js computes. */
export type Backend = "wasm" | "webgpu";

/** A library that Python runs (peers.py). */
export type PythonPeer = "mxnet" | "ort" | "ncnn";

/** A request; every one is answered by exactly one reply, in order. */
export type PeerRequest =
  /** Makes a layer's tensors; `id` is one of layers.ts. */
  | { readonly op: "layer"; readonly id: string; readonly direction: Direction }
  /** Makes the upscale network with real weights and an input of this size. */
  | {
    readonly op: "network";
    readonly scale: number;
    readonly width: number;
    readonly height: number;
  }
  /** Runs what was made last and times every run; slow ones may be fewer than `atLeast`. */
  | {
    readonly op: "time";
    readonly milliseconds: number;
    readonly atLeast: number;
  }
  /** Runs it once and gives the output, or the first gradient, at channel-first positions. */
  | { readonly op: "sample"; readonly indices: readonly number[] };

/** The answer to a request. */
export interface PeerReply {
  /** Why the request failed, in words. */
  readonly error?: string;
  /** Milliseconds of each run. */
  readonly milliseconds?: readonly number[];
  readonly values?: readonly number[];
}

/** The peer's first line, before any request. */
export interface PeerGreeting {
  readonly version: string;
  readonly threads: number;
  readonly simd: boolean;
  readonly runtime: string;
}
