// Talks to the peer's process: starts it, installs its packages when asked, one request at a time.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Backend, PeerGreeting, PeerReply, PeerRequest } from "./peer_protocol.ts";

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

/** The command line of the peer: Deno where there is one, since V8 runs WebAssembly fastest. */
function command(backend: Backend): [string, string[]] {
  const file = `${folder}peer_tfjs.ts`;
  const deno = ["run", "--no-check", "--allow-all", file, backend];
  if (process.versions["deno"] !== undefined) return [process.execPath, deno];
  const found = spawnSync("deno", ["--version"], { stdio: "ignore" }).status === 0;
  return found ? ["deno", deno] : [process.execPath, ["run", file, backend]];
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
    backend: Backend,
  ) {
    this.name = `tfjs-${backend}`;
    this.#child = child;
    this.#lines = lines;
    this.greeting = greeting;
  }

  /** Starts the process and waits until its backend is ready. */
  static async start(backend: Backend): Promise<Peer> {
    installPeer();
    const [program, parameters] = command(backend);
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
    return new Peer(
      child,
      lines,
      JSON.parse(first.value) as PeerGreeting,
      backend,
    );
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
