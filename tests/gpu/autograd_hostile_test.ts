/** Wrong arguments to gradients and to the functions that losses use; heads that nobody names any more. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import * as vknn from "../../mod.ts";
import { MOD_URL, runText, RUNTIME } from "../support/subprocess.ts";
import { gpuTest } from "../support/test.ts";

const { autograd, ones, scope, zeros } = vknn;

type Anything = (...args: unknown[]) => unknown;

/** Ends what a mode function without function began. */
function closing(callable: unknown): Anything {
  return (...args) => {
    const result = (callable as Anything)(...args);
    if (result instanceof autograd.ModeScope) result.dispose();
    return result;
  };
}

const FUNCTIONS: Readonly<Record<string, unknown>> = {
  abs: vknn.abs,
  broadcastTo: vknn.broadcastTo,
  clip: vknn.clip,
  equal: vknn.equal,
  exp: vknn.exp,
  less: vknn.less,
  log: vknn.log,
  logSoftmax: vknn.logSoftmax,
  matmul: vknn.matmul,
  max: vknn.max,
  mean: vknn.mean,
  negative: vknn.negative,
  oneHot: vknn.oneHot,
  pick: vknn.pick,
  power: vknn.power,
  softmax: vknn.softmax,
  sum: vknn.sum,
  backward: autograd.backward,
  grad: autograd.grad,
  markVariables: autograd.markVariables,
  pause: closing(autograd.pause),
  predictMode: closing(autograd.predictMode),
  record: closing(autograd.record),
  trainMode: closing(autograd.trainMode),
};

const NAMED = [
  TypeError,
  RangeError,
  vknn.DeviceError,
  vknn.DisposedError,
  vknn.StateError,
];

/** Errors of the engine itself also begin with "Cannot". */
const ENGINE_REGEXP = /^Cannot (read p|set p|convert |destructure|mix |access |assign to read)/;

const hostile = fc.oneof(
  fc.constantFrom<unknown>(0, -1, 1.5, NaN, Infinity, 2 ** 31, "3", null, undefined, true),
  fc.constantFrom<unknown>([], [1], [0, 0], [[1], [2, 3]], {}, "write", () => {}, 1n),
  fc.constantFrom<unknown>({ axis: 9 }, { axes: 1 }, { axis: [0, 0] }, { retainGraph: 1 }),
  fc.constantFrom<unknown>({ createGraph: true }, { headGradients: [1] }, new Float32Array(3)),
  fc.constantFrom<unknown>("matrix", "leaf", "result", "bytes", "disposed"),
  fc.anything({ maxDepth: 2 }),
);

gpuTest(
  "hostile arguments end in named errors, without a leak and with the flags as before",
  () => {
    const disposed = zeros([2]);
    disposed.dispose();
    for (const [name, callable] of Object.entries(FUNCTIONS)) {
      fc.assert(
        fc.property(fc.array(hostile, { maxLength: 4 }), (values) => {
          scope(() => {
            const leaf = ones([2, 3]).attachGrad();
            const tensors: Record<string, vknn.Tensor> = {
              matrix: ones([3, 2]),
              leaf,
              result: autograd.record(() => vknn.exp(leaf)),
              bytes: zeros([7], { dtype: "uint8" }),
              disposed,
            };
            const args = values.map((value) =>
              typeof value === "string" ? tensors[value] ?? value : value
            );
            try {
              (callable as Anything)(...args);
            } catch (error) {
              const good = NAMED.some((named) => error instanceof named) &&
                (error as Error).message.startsWith("Cannot ") &&
                !ENGINE_REGEXP.test((error as Error).message);
              assert(good, `${name}(${fc.stringify(values)}): ${error}`);
            }
            assertEquals([autograd.isRecording(), autograd.isTraining()], [false, false]);
          });
        }),
        { numRuns: 150 },
      );
    }
  },
);

gpuTest("graphs of forgotten heads are freed after garbage collection", async () => {
  const { code, stdout, stderr } = await runText(
    `
    import { autograd, defaultDevice, exp, mul, tensor } from ${JSON.stringify(MOD_URL)};
    const collect = globalThis.gc ?? (() => Bun.gc(true));
    const device = defaultDevice();
    const kept = tensor([1, 2, 3]).attachGrad();
    function forget() {
      for (let i = 0; i < 50; i++) autograd.record(() => exp(mul(exp(kept), kept)));
      const leaf = tensor([1, 2, 3]).attachGrad();
      autograd.record(() => exp(leaf)).backward();
    }
    forget();
    const before = device.memory().liveBuffers;
    let after = before;
    for (let round = 0; round < 50 && after > 1; round++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
      mul(kept, 1).dispose();
      after = device.memory().liveBuffers;
    }
    console.log(JSON.stringify({ before, after }));
    `,
    {
      permissions: ["--allow-ffi", "--allow-read", "--allow-env"],
      runtimeFlags: RUNTIME === "deno" ? ["--v8-flags=--expose-gc"] : [],
    },
  );
  assertEquals(code, 0, stderr);
  const { before, after } = JSON.parse(stdout);
  assert(before > 90, `${before} buffers were alive`);
  // Conservative collectors may keep a few; a leak would keep them all.
  assert(after <= 5, `${after} of ${before} buffers are still alive`);
});
