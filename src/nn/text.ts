// How blocks print: MXNet's text, letter for letter, so that people can compare listings.

import { proxyOf } from "./registrar.ts";

/**
 * The listing of a block with children.
 *
 * @param name Name of the block's class.
 * @param children The children to list, by name.
 * @returns Python's form: `Name(\n  (child): …\n)`; an empty line in place of no children.
 */
export function formatBlock(name: string, children: Iterable<readonly [string, unknown]>): string {
  const lines = Array.from(children, ([key, child]) => `  (${key}): ${indent(String(child))}`);
  return `${name}(\n${lines.join("\n")}\n)`;
}

function indent(text: string): string {
  return text.replaceAll("\n", "\n  ");
}

/**
 * A value as Python prints it.
 *
 * @param value A number or a boolean.
 * @returns For example `1e-05` or `True`.
 */
export function pythonText(value: number | boolean): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  const magnitude = Math.abs(value);
  // Python turns to exponents below 1e-4 and from 1e16 on, and writes two digits of them.
  const text = magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)
    ? value.toExponential()
    : String(value);
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

/**
 * Makes the consoles of Deno and Bun print objects by their `toString()`.
 *
 * @param prototype The prototype of the objects' class.
 */
export function printAsText(prototype: object): void {
  for (const key of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
    Object.defineProperty(prototype, Symbol.for(key), {
      configurable: true,
      // The consoles call this with the object behind the proxy.
      value(this: object): string {
        return String(proxyOf(this));
      },
    });
  }
}
