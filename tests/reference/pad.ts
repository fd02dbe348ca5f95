// Oracle of padding (spec: layers.md section 11; numpy.pad beyond the size) and of its gradient.

import { build, get, indices, offset, type Reference, size } from "./array.ts";

/** How to pad. */
export interface PadAttributes {
  /** Before and after for every axis. */
  readonly widths: readonly (readonly [number, number])[];
  readonly mode: "constant" | "edge" | "reflect" | "circular";
  readonly value?: number;
}

/** Element that place u shows; -1 for the constant. One step at a time: nothing shared with the shader. */
function source(u: number, length: number, mode: PadAttributes["mode"]): number {
  if (u >= 0 && u < length) return u;
  if (mode === "constant") return -1;
  if (mode === "edge") return u < 0 ? 0 : length - 1;
  if (mode === "circular") return source(u < 0 ? u + length : u - length, length, mode);
  if (length === 1) return 0;
  return source(u < 0 ? -u : 2 * (length - 1) - u, length, mode);
}

function sources(x: readonly number[], index: readonly number[], { widths, mode }: PadAttributes) {
  return index.map((t, axis) => source(t - widths[axis]![0], x[axis]!, mode));
}

/** Pads. */
export function pad(x: Reference, attributes: PadAttributes): Reference {
  const { widths, value = 0 } = attributes;
  const shape = x.shape.map((length, axis) => widths[axis]![0] + length + widths[axis]![1]);
  return build(shape, (index) => {
    const from = sources(x.shape, index, attributes);
    return from.includes(-1) ? value : get(x, from);
  });
}

/** The gradient: scattered, where the shader gathers. */
export function padGradient(
  shape: readonly number[],
  head: Reference,
  attributes: PadAttributes,
): Reference {
  const data = new Float64Array(size(shape));
  for (const index of indices(head.shape)) {
    const from = sources(shape, index, attributes);
    if (!from.includes(-1)) data[offset(shape, from)]! += get(head, index);
  }
  return { data, shape };
}
