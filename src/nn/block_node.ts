// The tree of blocks seen from below: who contains a block, so that a change reaches all around it.

import { Registrar } from "./registrar.ts";

/** A registrar that knows its parents; base of blocks, not for programs. */
export abstract class BlockNode extends Registrar {
  /** Weak, or a shared block would keep every model alive that ever contained it. */
  readonly #parents = new Set<WeakRef<BlockNode>>();

  /**
   * Notes a child.
   *
   * @param child The child.
   */
  protected adopt(child: BlockNode): void {
    const known = [...child.#parents];
    for (const parent of known) if (parent.deref() === undefined) child.#parents.delete(parent);
    if (known.some((parent) => parent.deref() === this)) return;
    child.#parents.add(new WeakRef<BlockNode>(this));
  }

  /** Told when children or parameters of this block or of a descendant change; tells the parents. */
  protected changed(): void {
    for (const parent of this.#parents) parent.deref()?.changed();
  }
}
