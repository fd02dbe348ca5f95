/** registerBackwardHook(): gradients of the outputs of blocks, eager and from graphs. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  Activation,
  autograd,
  Block,
  Conv1D,
  HybridSequential,
  mul,
  sum,
  type Tensor,
  tensor,
} from "../../mod.ts";
import { gpuTest } from "../support/test.ts";

/** Doubles, by a kernel of size 1. */
function makeNet(): { net: HybridSequential; conv: Conv1D } {
  const conv = new Conv1D(1, 1, { inChannels: 1, useBias: false });
  const net = new HybridSequential().add(conv, new Activation("relu"));
  net.initialize('["constant", {"value": 2}]');
  return { net, conv };
}

/** Backward through `sum(3 · net(x))`. */
function backward(net: HybridSequential, x: Tensor, retainGraph: boolean = false): void {
  using loss = autograd.record(() => sum(mul(net.call(x), 3))) as Tensor;
  loss.backward(null, { retainGraph });
  if (retainGraph) loss.backward();
}

gpuTest("registerBackwardHook() sees the gradient of each output, parents first", () => {
  const { net, conv } = makeNet();
  using x = tensor([[[1, -1]]]);
  const seen: unknown[] = [];
  const handles = [conv, net].map((block: Block) =>
    block.registerBackwardHook((self, gradient, index) =>
      seen.push([self === block, [...gradient.dataSync()], index])
    )
  );
  assert(conv.hasHooks);
  backward(net, x);
  assertEquals(seen, [[true, [3, 3], 0], [true, [3, 0], 0]]);
  assertEquals([...conv.weight.grad().dataSync()], [3], "the gradients themselves do not change");
  // Without recording there is nothing to see; each backward pass is seen.
  net.call(x).dispose();
  assertEquals(seen.length, 2);
  backward(net, x, true);
  assertEquals(seen.length, 6);
  for (const handle of handles) handle.detach();
  backward(net, x);
  assertEquals([seen.length, conv.hasHooks], [6, false]);
  net.dispose();
});

gpuTest("registerBackwardHook() of a hybridized block sees the same", () => {
  const { net } = makeNet();
  using x = tensor([[[1, -1]]]);
  const seen: number[][] = [];
  net.hybridize();
  using _handle = net.registerBackwardHook((_, gradient) => seen.push([...gradient.dataSync()]));
  backward(net, x);
  backward(net, x);
  assertEquals(seen, [[3, 3], [3, 3]]);
  net.dispose();
});

class Split extends Block {
  override forward(x: Tensor): [Tensor, { rest: Tensor }] {
    return [mul(x, 2), { rest: mul(x, 5) }];
  }
}

gpuTest(
  "registerBackwardHook() numbers several outputs, and tells only of those that matter",
  () => {
    const block = new Split();
    using x = tensor([1, 2]);
    x.attachGrad();
    const seen: [number, number[]][] = [];
    block.registerBackwardHook((_, gradient, index) =>
      seen.push([index, [...gradient.dataSync()]])
    );
    const run = (both: boolean) => {
      using loss = autograd.record(() => {
        const [first, { rest }] = block.call(x);
        // Used twice: the hook sees the whole gradient.
        return both ? sum(mul(first, rest)) : sum(mul(rest, rest));
      }) as Tensor;
      loss.backward();
    };
    run(true);
    assertEquals(seen.toSorted((a, b) => a[0] - b[0]), [[0, [5, 10]], [1, [2, 4]]]);
    seen.length = 0;
    run(false);
    assertEquals(seen, [[1, [10, 20]]]);
  },
);

gpuTest("what a backward hook throws ends the backward pass and leaves nothing behind", () => {
  const { net } = makeNet();
  using x = tensor([[[1, -1]]]);
  const handle = net.registerBackwardHook(() => {
    throw new Error("not this one");
  });
  assertThrows(() => backward(net, x), Error, "not this one");
  handle.detach();
  backward(net, x);
  net.dispose();
});
