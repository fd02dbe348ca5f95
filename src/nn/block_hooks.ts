// Functions that watch a block: before and after its forward, and when gradients reach its outputs.

import { watchGradient } from "../autograd/internal.ts";
import { Tensor } from "../tensor/mod.ts";
import type { Block } from "./block.ts";
import type { BackwardHook, ForwardHook, ForwardPreHook } from "./block_options.ts";
import { type HookHandle, HookList } from "./hooks.ts";
import { ParameterOwner } from "./parameter_owner.ts";
import { leavesOf } from "./structure.ts";

/** Base of {@linkcode Block}, not for programs: keeps and calls the hooks of a block. */
export abstract class BlockHooks extends ParameterOwner {
  readonly #hooks = {
    before: new HookList<ForwardPreHook>(),
    after: new HookList<ForwardHook>(),
    backward: new HookList<BackwardHook>(),
  };

  /**
   * Adds a function that runs before every `forward`, with the block and its inputs.
   *
   * @param hook The function; what it throws reaches the caller.
   * @returns A handle that removes it.
   */
  registerForwardPreHook(hook: ForwardPreHook): HookHandle {
    return this.#hooks.before.add(hook);
  }

  /**
   * Adds a function that runs after every `forward`, with the block, its inputs and its output.
   *
   * @param hook The function; what it throws reaches the caller.
   * @returns A handle that removes it.
   *
   * @example
   * ```ts
   * import { Conv2D } from "@vknn/vknn";
   *
   * const handle = new Conv2D(4, 3).registerForwardHook((block) => console.log(`${block}`));
   * handle.detach();
   * ```
   */
  registerForwardHook(hook: ForwardHook): HookHandle {
    return this.#hooks.after.add(hook);
  }

  /**
   * Adds a function that sees the gradient of every output of the block when a backward pass computes it.
   * Calls that were recorded before the hook was added do not tell it. MXNet has no such method.
   *
   * @param hook Called with the block, the gradient and the position of the output among all tensors of
   *   the output; what it throws ends the backward pass. The gradient is freed afterwards: read it or
   *   copy it at once.
   * @returns A handle that removes it.
   *
   * @example
   * ```ts
   * import { autograd, Conv2D, ones, type Tensor } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * using conv = new Conv2D(2, 3);
   * conv.initialize();
   * using x = ones([1, 1, 5, 5]);
   * const shapes: string[] = [];
   * using handle = conv.registerBackwardHook((_, gradient) => shapes.push(gradient.shape.join()));
   * using y = autograd.record(() => conv.call(x)) as Tensor;
   * y.backward();
   * assertEquals(shapes, ["1,2,3,3"]);
   * ```
   */
  registerBackwardHook(hook: BackwardHook): HookHandle {
    return this.#hooks.backward.add(hook);
  }

  /** True if any hook is registered on this block. */
  get hasHooks(): boolean {
    const { before, after, backward } = this.#hooks;
    return before.size > 0 || after.size > 0 || backward.size > 0;
  }

  /**
   * Calls the hooks around a computation.
   *
   * @param inputs What the block is called with.
   * @param compute Computes the output.
   * @returns The output.
   */
  protected withHooks(inputs: readonly unknown[], compute: () => unknown): unknown {
    const block = this as unknown as Block; // the only class that extends this one
    const { before, after, backward } = this.#hooks;
    if (before.size > 0) { for (const hook of before.list()) hook(block, inputs); }
    const output = compute();
    if (after.size > 0) { for (const hook of after.list()) hook(block, inputs, output); }
    if (backward.size > 0) this.#watch(block, output);
    return output;
  }

  #watch(block: Block, output: unknown): void {
    const tensors = leavesOf(output).filter((leaf) => leaf instanceof Tensor);
    for (const [index, tensor] of tensors.entries()) {
      watchGradient(tensor, (gradient) => {
        for (const hook of this.#hooks.backward.list()) hook(block, gradient, index);
      });
    }
  }
}
