/** Replays on devices of their own: few native calls, every failure typed and survived, small limits, nothing left behind. */
import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import {
  add,
  Conv2D,
  type Device,
  DeviceError,
  DeviceLostError,
  HybridBlock,
  HybridLambda,
  relu,
  scope,
  sum,
  type Tensor,
  tensor,
} from "../../mod.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import type { VulkanCommands } from "../../ffi/vulkan/commands.ts";
import { VulkanError } from "../../ffi/result.ts";
import type { AdapterRecord } from "../../src/device/adapter.ts";
import { CachedGraph } from "../../src/nn/cached_graph.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";
import { Faults, openDevice, settle, sleep, TRANSFERS, withDevice } from "./device_support.ts";

const STATIC = { staticAlloc: true, staticShape: true };

/** A few layers with values that live beside others. */
class Net extends HybridBlock {
  readonly first = new Conv2D(4, 3, { padding: 1, inChannels: 4, activation: "relu" });
  readonly second = new Conv2D(4, 3, { padding: 1, inChannels: 4 });
  override forward(x: Tensor): Tensor {
    const a = this.first.call(x);
    return relu(add(this.second.call(a), a.mul(2)).mul(-1)).add(x);
  }
}

function network(device: Device): Net {
  const net = new Net();
  net.initialize("xavier", { device });
  net.hybridize(true, STATIC);
  return net;
}

function input(device: Device, first: number = 1, shape = [1, 4, 8, 8]): Tensor {
  const count = shape.reduce((all, size) => all * size, 1);
  return tensor(new Random(first).float32(count), shape, { device });
}

function programOf(net: Net) {
  const cache = CachedGraph.of(net)!;
  return cache.prediction(cache.latest!).program!;
}

for (const transfers of TRANSFERS) {
  test(`a replay is one native call, and reading its result a few more (${transfers})`, async () => {
    const calls: string[] = [];
    const wrapCommands = (commands: VulkanCommands) =>
      Object.fromEntries(
        Object.entries(commands).map(([name, command]) => [
          name,
          command && ((...values: unknown[]) => {
            calls.push(name);
            return (command as (...all: unknown[]) => unknown)(...values);
          }),
        ]),
      ) as unknown as VulkanCommands;
    await withDevice({ transfers, wrapCommands }, async (device) => {
      using net = network(device);
      using x = input(device);
      for (let run = 0; run < 3; run++) {
        scope(() => void net.call(x));
        device.synchronizeSync();
      }
      calls.length = 0;
      const y = net.call(x);
      assertEquals(calls, ["vkQueueSubmit"]);
      await y.data();
      y.dispose();
      const others = calls.filter((name) => !/Wait|Get/.test(name));
      if (transfers === "mapped") assertEquals(others, ["vkQueueSubmit"]);
      // Several in a row, with nothing waited for.
      calls.length = 0;
      scope(() => {
        for (let run = 0; run < 5; run++) net.call(x).dispose();
      });
      assertEquals(calls.filter((name) => name === "vkQueueSubmit").length, 5);
      assertLess(calls.length, 12);
    });
  });
}

/** Predicts a few times, as planned and as recorded; kernels that drivers compile quickly. */
async function work(device: Device): Promise<void> {
  using net = new HybridLambda(
    ((x: Tensor) => relu(x.mul(2)).add(sum(x.reshape([4, 4])))) as (
      ...inputs: unknown[]
    ) => unknown,
  );
  net.hybridize(true, STATIC);
  for (let run = 0; run < 3; run++) {
    using x = tensor(new Float32Array(16).fill(run), undefined, { device });
    using y = net.call(x) as Tensor;
    assertEquals([...(await y.data())], new Array(16).fill(18 * run));
  }
}

/** Only calls that replays add: devices take long to open, and their own calls are tested elsewhere. */
const FAILURES = {
  VK_ERROR_OUT_OF_DEVICE_MEMORY:
    /^vk(CreateBuffer|BindBuffer|Allocate(Command|Descriptor)|CreateDescriptorPool|BeginCommand|QueueSubmit)/,
  VK_ERROR_DEVICE_LOST: /^vk(EndCommand|QueueSubmit|AllocateDescriptor)/,
} as const;

for (const name of ["VK_ERROR_OUT_OF_DEVICE_MEMORY", "VK_ERROR_DEVICE_LOST"] as const) {
  test(`${name} at any call around replays is survived`, async () => {
    const seen = new Set<string>();
    for (let n = 1;; n++) {
      const faults = new Faults(n, vk[name], FAILURES[name]);
      let error: unknown;
      let device: Device | undefined;
      try {
        device = openDevice({ wrapCommands: faults.wrap, loadPath: "storage" });
        await work(device);
      } catch (caught) {
        error = caught;
      }
      const where = `call ${n}, ${faults.failed}: ${error}`;
      assert(
        error === undefined || error instanceof DeviceError || error instanceof VulkanError,
        `untyped error at ${where}`,
      );
      if (device !== undefined && error instanceof DeviceLostError) assert(device.lost, where);
      else if (device !== undefined && error !== undefined) {
        assert(!device.lost, where);
        await work(device);
      }
      device?.dispose();
      for (let i = 0; i < 40 && faults.objects > 0; i++) await sleep(5);
      assertEquals(faults.objects, 0, `objects left by ${where}`);
      if (faults.failed === undefined) break;
      seen.add(faults.failed);
      assert(n < 300, "the scenario ends");
    }
    for (const command of ["vkAllocateDescriptorSets", "vkQueueSubmit"]) {
      assert(seen.has(command), `${command} was not reached`);
    }
  });
}

test("a lost device ends replays with a typed error, and disposing of the block is quiet", async () => {
  const faults = new Faults(0, 0);
  let lose = false;
  const wrapCommands = (commands: VulkanCommands): VulkanCommands => {
    const wrapped = faults.wrap(commands);
    return {
      ...wrapped,
      vkQueueSubmit: (...values) =>
        lose ? vk.VK_ERROR_DEVICE_LOST : wrapped.vkQueueSubmit(...values),
    };
  };
  const device = openDevice({ wrapCommands });
  const net = network(device);
  const x = input(device);
  for (let run = 0; run < 3; run++) scope(() => void net.call(x));
  device.synchronizeSync();
  lose = true;
  assertThrows(() => net.call(x), DeviceLostError, "is lost");
  assertThrows(() => net.call(x), DeviceLostError, "is lost");
  net.dispose();
  x.dispose();
  device.dispose();
  for (let i = 0; i < 40 && faults.objects > 0; i++) await sleep(5);
  assertEquals(faults.objects, 0);
});

test("blocks that are disposed of leave nothing, whether the device works or is gone", async () => {
  await withDevice({}, (device) => {
    const before = device.memory().vulkanObjects;
    const net = network(device);
    const x = input(device);
    for (let run = 0; run < 3; run++) scope(() => void net.call(x));
    assert(device.recordings.count > 0);
    net.dispose();
    x.dispose();
    device.synchronizeSync();
    assertEquals(device.recordings.count, 0);
    assertEquals(device.memory().liveBuffers, 0);
    // What was carved is destroyed once the device is known to be done with it.
    const again = network(device);
    const y = input(device);
    scope(() => void again.call(y));
    assert(device.memory().vulkanObjects > before);
    device.dispose();
    again.dispose();
    y.dispose();
  });
});

test("every way to read operands sees the arena's values", async () => {
  for (const loadPath of ["texel", "storage", "address"] as const) {
    await withDevice({ loadPath, timeoutMilliseconds: 60_000 }, (device) => {
      using net = network(device);
      using x = input(device);
      net.hybridize(false);
      const eager = scope(() => [...net.call(x).dataSync()]);
      net.hybridize(true, STATIC);
      for (let run = 0; run < 3; run++) {
        const found = scope(() => [...net.call(x).dataSync()]);
        found.forEach((value, at) => assertAlmostEquals(value, eager[at]!, 1e-5, loadPath));
      }
    });
  }
});

function limited(limits: Partial<AdapterRecord["adapter"]["limits"]>) {
  return (record: AdapterRecord): AdapterRecord => ({
    ...record,
    adapter: { ...record.adapter, limits: { ...record.adapter.limits, ...limits } },
  });
}

test("an arena beyond the largest buffer comes in pieces; values beyond what kernels see in parts", async () => {
  const shape = [6, 4, 16, 16]; // 24 KiB
  const results: number[][] = [];
  for (const limits of [{}, { maxBufferSize: 40_000 }, { maxStorageBufferRange: 16_384 }]) {
    const device = openDevice({ forgeAdapter: limited(limits) });
    const net = new Net();
    net.initialize("ones", { device });
    net.hybridize(true, STATIC);
    const x = input(device, 3, shape);
    const found = [1, 2, 3].map(() => scope(() => [...net.call(x).dataSync()]));
    assertEquals(found[1], found[0]);
    assertEquals(found[2], found[0]);
    results.push(found[0]!);
    const program = programOf(net);
    assert(program.recordings > 0);
    const pieces = device.memoryByLabel().find(({ label }) => label === "arena")!.liveBuffers;
    assertEquals(pieces > 1, "maxBufferSize" in limits);
    net.dispose();
    x.dispose();
    device.dispose();
    await settle(device);
  }
  assertEquals(results[1], results[0]);
  assertEquals(results[2], results[0]);
});
