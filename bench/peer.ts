// Talks to the peer's process: starts it, installs its packages when asked, one request at a time.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Backend, PeerGreeting, PeerReply, PeerRequest, PythonPeer } from "./peer_protocol.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** Installs the peer's packages below bench/ if they are not there yet. */
export function installPeer(): void {
  if (
    existsSync(
      `${folder}node_modules/@tensorflow/tfjs-backend-webgpu/package.json`,
    )
  ) return;
  console.error("installing the peer once: npm install --prefix bench");
  const result = spawnSync("npm", [
    "install",
    "--prefix",
    folder,
    "--no-audit",
    "--no-fund",
  ], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (result.status !== 0) {
    throw new Error(
      "the peer could not be installed: `npm install --prefix bench` failed; " +
        "without npm or a registry, run the report without --peers and --upscale",
    );
  }
}

/** A peer as it is called in results, and the command line of its process. */
interface Command {
  readonly name: string;
  readonly program: string;
  readonly parameters: readonly string[];
}

/** TensorFlow.js: on Deno where there is one, since V8 runs WebAssembly fastest. */
function libraryCommand(backend: Backend): Command {
  installPeer();
  const name = `tfjs-${backend}`;
  const file = `${folder}peer_tfjs.ts`;
  const deno = ["run", "--no-check", "--allow-all", file, backend];
  if (process.versions["deno"] !== undefined) {
    return { name, program: process.execPath, parameters: deno };
  }
  const found = spawnSync("deno", ["--version"], { stdio: "ignore" }).status === 0;
  return found
    ? { name, program: "deno", parameters: deno }
    : { name, program: process.execPath, parameters: ["run", file, backend] };
}

/** What needs an environment of its own, and how results call it. */
const pythonPeers: Readonly<Record<PythonPeer, { environment: string; name: string }>> = {
  mxnet: { environment: "mxnet", name: "mxnet" },
  ort: { environment: "others", name: "ort" },
  ncnn: { environment: "others", name: "ncnn-vk" },
};

/** Names of the peers that Python runs. */
export const pythonNames = Object.keys(pythonPeers) as readonly PythonPeer[];

/** A library of Python, from the environments that scripts/peers makes. */
function pythonCommand(peer: PythonPeer): Command {
  const { environment, name } = pythonPeers[peer];
  const root = process.env["VKNN_PEERS"] ?? `${folder}../.tools/peers`;
  const program = `${root}/${environment}/bin/python`;
  if (!existsSync(program)) throw new Error(`there is no ${program}: scripts/peers installs it`);
  return { name, program, parameters: [`${folder}peers.py`, "serve", peer] };
}

/** A running peer. */
export class Peer {
  /** As it is called in results. */
  readonly name: string;
  readonly greeting: PeerGreeting;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(
    child: ChildProcess,
    lines: AsyncIterator<string>,
    greeting: PeerGreeting,
    name: string,
  ) {
    this.name = name;
    this.#child = child;
    this.#lines = lines;
    this.greeting = greeting;
  }

  /** Starts the process and waits until its library is ready. */
  static async start(peer: Backend | PythonPeer): Promise<Peer> {
    const { name, program, parameters } = peer === "wasm" || peer === "webgpu"
      ? libraryCommand(peer)
      : pythonCommand(peer);
    const child = spawn(program, parameters, {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout! })
      [Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done) {
      throw new Error(
        "the peer ended before it was ready; see its message above",
      );
    }
    return new Peer(child, lines, JSON.parse(first.value) as PeerGreeting, name);
  }

  /** Sends one request and waits for its reply. */
  async ask(request: PeerRequest): Promise<PeerReply> {
    this.#child.stdin!.write(JSON.stringify(request) + "\n");
    const line = await this.#lines.next();
    if (line.done) throw new Error(`the peer ended during ${request.op}`);
    const reply = JSON.parse(line.value) as PeerReply;
    if (reply.error !== undefined) {
      throw new Error(`${this.name}: ${reply.error}`);
    }
    return reply;
  }

  /** Ends the process. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.stdin!.end();
    });
  }
}
