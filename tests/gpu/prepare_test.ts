// Kernels compiled before they are needed, and kept in files.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { VulkanCommands } from "../../ffi/vulkan/commands.ts";
import { Conv2D, DisposedError, HybridSequential, MaxPool2D, tensor } from "../../mod.ts";
import type { LogEvent } from "../../src/device/options.ts";
import { gpuTest } from "../support/test.ts";
import { affine, openDevice, settle, sleep } from "./device_support.ts";

// deno-lint-ignore no-explicit-any
type AnyCommand = (...values: any[]) => any;

/** Counts native calls by name. */
class Counts {
  #counts = new Map<string, number>();

  /** For the `wrapCommands` option. */
  readonly wrap = (commands: VulkanCommands): VulkanCommands => {
    const wrapped: Record<string, AnyCommand | null> = {};
    for (const [name, command] of Object.entries(commands) as [string, AnyCommand | null][]) {
      wrapped[name] = command === null ? null : (...values) => {
        this.#counts.set(name, this.of(name) + 1);
        return command(...values);
      };
    }
    return wrapped as unknown as VulkanCommands;
  };

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** How many calls a function makes. */
  during(name: string, fn: () => void): number {
    const before = this.of(name);
    fn();
    return this.of(name) - before;
  }
}

const CREATE = "vkCreateComputePipelines";

function network(): HybridSequential {
  const net = new HybridSequential().add(
    new Conv2D(8, 3, { padding: 1, activation: "relu" }),
    new MaxPool2D(2),
    new Conv2D(4, 1),
  );
  net.initialize();
  return net;
}

gpuTest("prepare() leaves nothing to compile or to pack for the first call", async () => {
  const counts = new Counts();
  const device = openDevice({ wrapCommands: counts.wrap });
  const net = network();
  try {
    net.initialize(null, { device, forceReinit: true });
    const seen: number[] = [];
    let total = 0;
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await net.prepare([[1, 3, 8, 8]], {
      device,
      onProgress: (progress) => {
        seen.push(progress.done);
        total = progress.total;
      },
    });
    clearInterval(timer);
    assert(total >= 3 && seen.length > 1, `${seen} of ${total}`);
    assertEquals(seen, seen.map((_, i) => seen[0]! + i));
    assertEquals(seen.at(-1), total);
    assert(turns > 0, "the event loop stood still");
    // Where the runtime calls on other threads, this one compiled nothing.
    const aside = counts.of(`${CREATE}Async`);
    assertEquals(aside > 0 ? counts.of(CREATE) : 0, 0);
    assertEquals(device.kernels.count, aside + counts.of(CREATE));

    const x = tensor(Float32Array.from({ length: 192 }, Math.sin), [1, 3, 8, 8], { device });
    const dispatches = (): number =>
      counts.during("vkCmdDispatch", () => void net.call(x).dispose());
    const made = device.kernels.count;
    const first = dispatches();
    assertEquals([first, device.kernels.count], [dispatches(), made]);
    using y = net.call(x);
    assertEquals(y.shape, [1, 4, 4, 4]);
    assert((await y.data()).every(Number.isFinite));
  } finally {
    net.dispose();
    device.dispose();
  }
  await settle(device);
});

gpuTest("prepare() refuses wrong arguments, and rejects if the device goes away", async () => {
  const device = openDevice();
  const net = network();
  net.initialize(null, { device, forceReinit: true });
  await assertRejects(() => net.prepare([8, 8] as never), TypeError, "shape of each input");
  await assertRejects(() => net.prepare([[1, 3, 8, 8]], { done: 1 } as never), TypeError, "done");
  await assertRejects(() => net.prepare([[1, 3, 8]], { device }), Error, "rank");
  const work = net.prepare([[1, 3, 8, 8]], { device });
  device.dispose();
  await assertRejects(() => work, DisposedError);
  await settle(device);
});

gpuTest("a rehearsal launches nothing and keeps nothing", async (shared) => {
  const net = network();
  net.initialize(null, { device: shared, forceReinit: true });
  const x = tensor(new Float32Array(192).fill(1), [1, 3, 8, 8], { device: shared });
  using wanted = net.call(x);
  net.initialize(null, { device: shared, forceReinit: true });
  const launches = shared.kernels.rehearse(() => void net.call(x).dispose());
  assert(launches.length >= 3 && !shared.kernels.rehearsing);
  // Were a weight packed in the rehearsal, it would be garbage now.
  using y = net.call(x);
  assertEquals(y.shape, wanted.shape);
  const result = await y.data();
  assert(result.some((value) => value !== 0) && result.every(Number.isFinite));
  net.dispose();
  x.dispose();
});

gpuTest("cacheDirectory keeps kernels over restarts and survives damaged files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vknn-cache-"));
  const run = async (): Promise<string> => {
    const log: LogEvent[] = [];
    const device = openDevice({ cacheDirectory: folder, log: (event) => log.push(event) });
    device.prepare(affine(device, 64, 2, 1));
    device.dispose();
    await settle(device);
    return log.map(({ message }) => message).find((each) => each.startsWith("Found")) ?? "";
  };
  try {
    assert((await run()).includes("nothing usable"));
    const [name] = readdirSync(folder);
    const path = join(folder, name!);
    const good = readFileSync(path);
    assert((await run()).includes(" bytes in "));
    for (const bad of [good.subarray(0, 40), new Uint8Array(0), flip(good, 20), flip(good, 120)]) {
      writeFileSync(path, bad);
      assert((await run()).includes("nothing usable"));
      assertEquals(readFileSync(path), good); // written anew
    }
    assertEquals(readdirSync(folder), [name!]); // no temporary file is left
  } finally {
    rmSync(folder, { recursive: true });
  }
});

gpuTest("a folder that cannot be written costs a notice, not the work", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vknn-cache-"));
  const log: LogEvent[] = [];
  writeFileSync(join(folder, "file"), "");
  const cacheDirectory = join(folder, "file");
  const device = openDevice({ cacheDirectory, log: (event) => log.push(event) });
  await device.kernels.prepare([affine(device, 64, 2, 1)]);
  device.dispose();
  await settle(device);
  rmSync(folder, { recursive: true });
  assert(log.some(({ message }) => message.startsWith("Cannot keep compiled kernels")));
  await sleep(0);
});

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at]! ^= 0xff;
  return copy;
}
