// The peer: TensorFlow.js 4.22 with its WebAssembly or WebGPU backend, in a process of its own so that its
// threads do not compete with ours while we measure. Reads requests from standard input.

import process from "node:process";
import { createInterface } from "node:readline";
import { sizeOf } from "./data.ts";
import { layers } from "./layers.ts";
import { makeLayer } from "./peer_layers.ts";
import { type Library, type PeerTensor, startLibrary } from "./peer_library.ts";
import { makeNetwork } from "./peer_network.ts";
import type { Backend, PeerGreeting, PeerReply, PeerRequest } from "./peer_protocol.ts";

/** What was made last. */
interface Made {
  readonly run: () => PeerTensor;
  /** True if the measured time includes copying the result to a JavaScript array. */
  readonly read: boolean;
}

/** Runs `count` times and waits: the WebGPU backend only knows how to wait for data. */
async function runAll(
  tf: Library,
  made: Made,
  count: number,
  wait: boolean,
): Promise<void> {
  for (let i = 1; i <= count; i++) {
    const output = tf.tidy(made.run);
    if (wait && i === count) await output.data();
    output.dispose();
  }
}

async function time(
  tf: Library,
  made: Made,
  backend: Backend,
  milliseconds: number,
  atLeast: number,
): Promise<number[]> {
  const results: number[] = [];
  const start = performance.now();
  // Several short runs share one copy of the result to the host, which would else be most of them.
  let count = 1;
  for (;;) {
    const spent = performance.now() - start;
    const few = results.length < atLeast && spent < 4 * milliseconds;
    if (results.length > 0 && !few && spent >= milliseconds) return results;
    const before = performance.now();
    await runAll(tf, made, count, made.read || backend === "webgpu");
    const each = (performance.now() - before) / count;
    if (backend === "webgpu" && !made.read && count === 1 && each < 100) {
      count = 4;
    } else results.push(each);
  }
}

async function sample(
  tf: Library,
  made: Made,
  indices: readonly number[],
): Promise<number[]> {
  const output = tf.tidy(made.run);
  const numbers = await output.data();
  const [batch, ...rest] = output.shape as [number, ...number[]];
  const channels = rest.at(-1)!;
  const inner = sizeOf(rest) / channels;
  const result = indices.map((index) => {
    const at = index % inner;
    const channel = Math.floor(index / inner) % channels;
    const item = Math.floor(index / inner / channels);
    if (item >= batch) throw new RangeError(`no output element ${index}`);
    return numbers[(item * inner + at) * channels + channel]!;
  });
  output.dispose();
  return result;
}

async function main(): Promise<void> {
  const say = (line: PeerReply | PeerGreeting): void => {
    process.stdout.write(JSON.stringify(line) + "\n");
  };
  // The library prints advice to the console; standard output belongs to the protocol.
  console.log = console.info = console.warn = (...words: unknown[]) => console.error(...words);
  const backend: Backend = process.argv[2] === "webgpu" ? "webgpu" : "wasm";
  const { tf, greeting } = await startLibrary(backend);
  say(greeting);
  let made: Made | undefined;
  // One scope holds the tensors of what is measured; the next one's start frees them.
  tf.engine().startScope();
  const fresh = (): void => {
    made = undefined;
    tf.engine().endScope();
    tf.engine().startScope();
  };
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      const request = JSON.parse(line) as PeerRequest;
      if (request.op === "layer") {
        const layer = layers.find((candidate) => candidate.id === request.id);
        if (layer === undefined) throw new Error(`unknown layer ${request.id}`);
        if (request.direction !== "fwd") throw new Error("inference only");
        fresh();
        made = { run: makeLayer(tf, layer), read: false };
        await runAll(tf, made, 1, true);
        say({});
      } else if (request.op === "network") {
        fresh();
        const { scale, width, height } = request;
        made = { run: makeNetwork(tf, scale, width, height), read: true };
        await runAll(tf, made, 1, true);
        say({});
      } else if (made === undefined) {
        throw new Error("nothing was made yet");
      } else if (request.op === "time") {
        say({
          milliseconds: await time(
            tf,
            made,
            backend,
            request.milliseconds,
            request.atLeast,
          ),
        });
      } else {
        say({ values: await sample(tf, made, request.indices) });
      }
    } catch (error) {
      say({ error: error instanceof Error ? error.message : String(error) });
    }
  }
  process.exit(0);
}

await main();
