// Copies of rows by the driver: right results in eager calls, in profiles and in recorded graphs; kernels step in where no image
// can be made; nothing is left behind.

import { assert, assertEquals } from "@std/assert";
import * as vknn from "../../mod.ts";
import type { VulkanCommands } from "../../ffi/vulkan/commands.ts";
import { MODES } from "../cases/pad.ts";
import { concat, slice } from "../reference/movement.ts";
import { pad } from "../reference/pad.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { withDevice } from "./device_support.ts";

const random = new Random(91);

function numbers(shape: readonly number[]) {
  return { data: random.float32(shape.reduce((all, each) => all * each, 1)), shape };
}

const copies = (device: vknn.Device): boolean =>
  device.capabilities.deviceClass === "cpu" && device.capabilities.rowCopies?.images != null;

gpuTest("boxes of every kind of copy hold what they should", async () => {
  await withDevice({}, async (device) => {
    const cases = [
      { shape: [4, 16, 64, 64], begin: [0, 0, 5, 3], sizes: [4, 16, 50, 58] }, // an image for the source
      { shape: [4, 16, 64, 65], begin: [0, 0, 0, 1], sizes: [4, 16, 64, 64] }, // one for the result
      { shape: [3, 16, 1025], begin: [1, 0, 1], sizes: [2, 16, 1023] }, // rows one by one
      { shape: [4, 16, 64, 16], begin: [1, 0, 0, 0], sizes: [2, 16, 64, 16] }, // one run
      { shape: [5, 4, 3, 32, 64], begin: [0, 1, 0, 4, 0], sizes: [5, 2, 2, 24, 60] }, // boxes
    ];
    device.startProfile();
    for (const { shape, begin, sizes } of cases) {
      const x = numbers(shape);
      using input = vknn.tensor(x.data, shape, { device });
      using output = vknn.slice(input, begin, begin.map((first, at) => first + sizes[at]!));
      assertEquals(await output.data(), Float32Array.from(slice(x, begin, sizes).data), `${shape}`);
    }
    const programs = (await device.stopProfile()).map(({ program }) => program);
    if (copies(device)) assertEquals(programs, cases.map(() => "copy"));
  });
});

gpuTest("concatenations and padding by copies agree with the oracle", async () => {
  await withDevice({}, async (device) => {
    const [a, b] = [numbers([2, 8, 32, 64]), numbers([2, 8, 32, 64])];
    using x = vknn.tensor(a.data, a.shape, { device });
    using y = vknn.tensor(b.data, b.shape, { device });
    for (const axis of [0, 1, 2, 3]) {
      using joined = vknn.concat([x, y], axis);
      assertEquals(await joined.data(), Float32Array.from(concat([a, b], axis).data), `${axis}`);
    }
    for (const widths of [[[0, 0], [0, 0], [1, 2], [2, 1]], [[0, 0], [0, 0], [0, 3], [0, 0]]]) {
      for (const mode of MODES) {
        const pairs = widths as [number, number][];
        using padded = vknn.pad(x, pairs, { mode, value: 3 });
        const expected = pad(a, { widths: pairs, mode, value: 3 });
        assertEquals(await padded.data(), Float32Array.from(expected.data), `${mode} ${widths}`);
      }
    }
  });
});

gpuTest("what is copied was computed before, and is overwritten only after", async () => {
  await withDevice({}, async (device) => {
    const a = numbers([2, 8, 32, 64]);
    using x = vknn.tensor(a.data, a.shape, { device });
    for (let run = 0; run < 20; run++) {
      using doubled = vknn.mul(x, 2 + run);
      using cropped = vknn.slice(doubled, [0, 0, 1, 1], [2, 8, 32, 64]);
      doubled.dispose();
      using other = vknn.mul(x, -1);
      using moved = vknn.add(cropped, 1);
      other.dispose();
      const expected = slice(a, [0, 0, 1, 1], [2, 8, 31, 63]).data;
      const found = await moved.data();
      const wrong = found.findIndex((value, at) =>
        value !== Math.fround(Math.fround(expected[at]! * (2 + run)) + 1)
      );
      assertEquals(wrong, -1, `run ${run}`);
    }
  });
});

/** Slices, pads and joins what it computes. */
class Net extends vknn.HybridBlock {
  override forward(x: vknn.Tensor): vknn.Tensor {
    const a = vknn.mul(x, 2);
    const inner = vknn.slice(a, [0, 0, 4, 4], [1, 16, 60, 60]);
    const padded = vknn.pad(inner, [[0, 0], [0, 0], [4, 4], [4, 4]], { mode: "edge" });
    return vknn.add(vknn.concat([padded, vknn.relu(a)], 1), 1);
  }
}

gpuTest("recorded graphs copy as calls do, also while they are profiled", async () => {
  await withDevice({}, async (device) => {
    using eager = new Net();
    using recorded = new Net();
    recorded.hybridize(true, { staticAlloc: true, staticShape: true });
    for (let run = 0; run < 4; run++) {
      using x = vknn.tensor(numbers([1, 16, 64, 64]).data, [1, 16, 64, 64], { device });
      using expected = eager.call(x);
      if (run === 3) device.startProfile();
      using found = recorded.call(x);
      if (run === 3) {
        const programs = (await device.stopProfile()).map(({ program }) => program);
        if (copies(device)) assert(programs.includes("copy"), programs.join());
      }
      assertEquals(await found.data(), await expected.data(), `run ${run}`);
    }
  });
});

/** Slices of one tensor in many shapes: more images than a buffer has. */
async function manyShapes(device: vknn.Device): Promise<string[]> {
  const x = numbers([1024, 128]);
  using input = vknn.tensor(x.data, x.shape, { device });
  device.startProfile();
  for (let rows = 516; rows <= 608; rows += 4) {
    using output = vknn.slice(input, [0, 0], [rows, 100]);
    const expected = slice(x, [0, 0], [rows, 100]);
    assertEquals(await output.data(), Float32Array.from(expected.data), `${rows}`);
  }
  return (await device.stopProfile()).map(({ program }) => program);
}

gpuTest("a kernel copies where a buffer has many images, or the driver makes none", async () => {
  await withDevice({}, async (device) => {
    const programs = await manyShapes(device);
    if (!copies(device)) return;
    assertEquals([programs[0], programs.at(-1)], ["copy", "movement/gather.quad_texel"]);
  });
  // Images whose rows lie elsewhere than the probe's.
  const wrapCommands = (commands: VulkanCommands): VulkanCommands => {
    let asked = 0;
    return {
      ...commands,
      vkGetImageSubresourceLayout: (device, image, which, out) => {
        if (asked++ === 0) commands.vkGetImageSubresourceLayout(device, image, which, out);
      },
    };
  };
  await withDevice({ wrapCommands }, async (device) => {
    const programs = await manyShapes(device);
    assert(!programs.includes("copy"), programs.join());
  });
});
