// Walks nested inputs and outputs of blocks: arrays, maps and plain objects. Knows no tensors.

/**
 * The values inside nested arrays, maps and plain objects.
 *
 * @param value Anything.
 * @returns Every value that is none of these containers, in order; containers met again are skipped.
 */
export function leavesOf(value: unknown): unknown[] {
  const leaves: unknown[] = [];
  const seen = new Set<unknown>();
  const visit = (item: unknown): void => {
    const inner = itemsOf(item);
    if (inner === null) {
      leaves.push(item);
    } else if (!seen.has(item)) {
      seen.add(item);
      for (const each of inner) visit(each);
    }
  };
  visit(value);
  return leaves;
}

function itemsOf(value: unknown): Iterable<unknown> | null {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return value.values();
  if (typeof value !== "object" || value === null) return null;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.values(value) : null;
}
