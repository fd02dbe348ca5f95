// Functions that run before or after the forward of a block, or after its operators. Knows no blocks.

import type { Tensor } from "../tensor/mod.ts";

/**
 * Sees values of a graph: `node_3_output` of the operator `Convolution`, or `node_3_weight` before it. The
 * tensor is freed afterwards unless it is kept; it must not be written.
 */
export type OpHook = (tensorName: string, opName: string, tensor: Tensor) => void;

/** A registered hook; `detach()` removes it. Also usable as `using handle = …`. */
export class HookHandle {
  #remove: (() => void) | null;

  /**
   * Blocks make handles; programs receive them.
   *
   * @param remove Removes the hook; called once at most.
   */
  constructor(remove: () => void) {
    this.#remove = remove;
  }

  /** Removes the hook. Further calls do nothing. */
  detach(): void {
    const remove = this.#remove;
    this.#remove = null;
    remove?.();
  }

  /** Removes the hook at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.detach();
  }
}

const NONE: readonly never[] = [];

/** Hooks in the order of their registration. Every registration counts, also of an equal function. */
export class HookList<Hook> {
  readonly #hooks = new Set<{ readonly hook: Hook }>();

  /** How many hooks are registered. */
  get size(): number {
    return this.#hooks.size;
  }

  /**
   * Adds a hook at the end.
   *
   * @param hook The function.
   * @returns The handle that removes it.
   */
  add(hook: Hook): HookHandle {
    const entry = { hook };
    this.#hooks.add(entry);
    return new HookHandle(() => this.#hooks.delete(entry));
  }

  /**
   * The hooks registered now; later changes do not disturb the caller.
   *
   * @returns The functions in order.
   */
  list(): readonly Hook[] {
    if (this.#hooks.size === 0) return NONE;
    return Array.from(this.#hooks, (entry) => entry.hook);
  }
}
