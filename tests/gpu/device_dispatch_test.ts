// What one eager dispatch costs: native calls are counted, since time depends on the machine.

import { assert, assertEquals } from "@std/assert";
import type { VulkanCommands } from "../../ffi/vulkan/commands.ts";
import { add, Conv2D, zeros } from "../../mod.ts";
import type { AdapterRecord } from "../../src/device/adapter.ts";
import { planFunction } from "../../src/kernels/function.ts";
import { gpuTest } from "../support/test.ts";
import { affine, openDevice, withDevice } from "./device_support.ts";

// deno-lint-ignore no-explicit-any
type AnyCommand = (...values: any[]) => any;

/** Names of the native calls, in order. */
class Calls {
  names: string[] = [];

  /** For the `wrapCommands` option. */
  readonly wrap = (commands: VulkanCommands): VulkanCommands => {
    const wrapped: Record<string, AnyCommand | null> = {};
    for (
      const [name, command] of Object.entries(commands) as [
        string,
        AnyCommand | null,
      ][]
    ) {
      wrapped[name] = command === null ? null : (...values) => {
        this.names.push(name);
        return command(...values);
      };
    }
    return wrapped as unknown as VulkanCommands;
  };

  /** The calls of a function. */
  during(fn: () => void): string[] {
    this.names = [];
    fn();
    return this.names;
  }
}

const LAUNCH = ["vkCmdBindDescriptorSets", "vkCmdPushConstants", "vkCmdDispatch"];

/** Opens without timestamps: submissions are then made after a number of commands, never by measured time. */
const untimed = (record: AdapterRecord): AdapterRecord => ({
  ...record,
  queueFamilies: record.queueFamilies.map((each) => ({ ...each, timestampValidBits: 0 })),
});

gpuTest("a dispatch takes four native calls, and a barrier only for a real hazard", async () => {
  const calls = new Calls();
  await withDevice({ wrapCommands: calls.wrap, forgeAdapter: untimed }, (device) => {
    const buffers = Array.from({ length: 5 }, () => device.allocate(256, "test"));
    const kernel = affine(device, 64, 2, 1);
    const other = planFunction(device.capabilities, "abs", 64, "float32").dispatches[0]!;
    const run = (from: number, to: number, which = kernel) =>
      device.dispatch(which, [buffers[from]!, buffers[to]!], "test");
    // Pipelines and descriptor sets are made at the first use.
    run(3, 4, other);
    for (const [from, to] of [[0, 3], [0, 1], [1, 2], [3, 0]] as const) run(from, to);
    device.synchronizeSync();
    run(0, 3); // begins a command buffer and binds the pipeline
    assertEquals(calls.during(() => run(0, 1)), LAUNCH);
    assertEquals(calls.during(() => run(1, 2)), ["vkCmdPipelineBarrier", ...LAUNCH]);
    assertEquals(calls.during(() => run(3, 0)), LAUNCH); // the barrier was for everything before
    assertEquals(calls.during(() => run(3, 4, other)), ["vkCmdBindPipeline", ...LAUNCH]);
  });
});

gpuTest("operators and layers add no native calls to those of their kernel", async () => {
  const calls = new Calls();
  const device = openDevice({ wrapCommands: calls.wrap, forgeAdapter: untimed });
  try {
    const [a, b] = [zeros([2, 3], { device }), zeros([2, 3], { device })];
    const image = zeros([1, 4, 4, 4], { device });
    const layer = new Conv2D(4, 3, { padding: 1, inChannels: 4 });
    layer.initialize(null, { device });
    for (const call of [() => add(a, b), () => a.mul(3), () => layer.call(image)]) {
      const warm = [call(), call()];
      await device.synchronize();
      call().dispose();
      const names = calls.during(() => call().dispose());
      assertEquals(names.filter((name) => name === "vkCmdDispatch").length, 1);
      const allowed = ["vkCmdBindPipeline", "vkCmdPipelineBarrier", ...LAUNCH];
      assert(names.every((name) => allowed.includes(name)), names.join());
      assert(names.filter((name) => name !== "vkCmdPipelineBarrier").length <= 4, names.join());
      for (const tensor of warm) tensor.dispose();
    }
    layer.dispose();
  } finally {
    device.dispose();
  }
});
