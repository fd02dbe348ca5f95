// Walks nested inputs and outputs of blocks: arrays, maps and plain objects. Knows no tensors.

/** Deepest nesting of inputs and outputs; more is a mistake, such as a list that contains itself. */
const MAX_NESTING = 64;

/**
 * Checks how deep values are nested.
 *
 * @param depth The depth, from 0.
 * @throws {TypeError} If it is too deep.
 */
export function checkNesting(depth: number): void {
  if (depth <= MAX_NESTING) return;
  throw new TypeError(
    `Cannot walk nested inputs or outputs: they are nested more than ${MAX_NESTING} deep, expected ` +
      `lists, maps and objects of tensors that do not contain themselves`,
  );
}

/**
 * The values inside nested arrays, maps and plain objects.
 *
 * @param value Anything.
 * @returns Every value that is none of these containers, in order; containers met again are skipped.
 * @throws {TypeError} If they are nested too deep.
 */
export function leavesOf(value: unknown): unknown[] {
  const leaves: unknown[] = [];
  const seen = new Set<unknown>();
  const visit = (item: unknown, depth: number): void => {
    checkNesting(depth);
    const inner = itemsOf(item);
    if (inner === null) {
      leaves.push(item);
    } else if (!seen.has(item)) {
      seen.add(item);
      for (const each of inner) visit(each, depth + 1);
    }
  };
  visit(value, 0);
  return leaves;
}

function itemsOf(value: unknown): Iterable<unknown> | null {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return value.values();
  if (typeof value !== "object" || value === null) return null;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.values(value) : null;
}
