// Patterns that choose parameters by name, with the semantics of Python's `re.match`.

import { FormatError } from "../core/errors.ts";
import { describe } from "../core/shape.ts";

/**
 * Makes a pattern that must match at the start of a name, but not all of it.
 *
 * @param select Text of a regular expression, or one whose flags are kept.
 * @returns The pattern.
 * @throws {FormatError} If the text is no regular expression.
 * @throws {TypeError} If it is neither.
 */
export function startPattern(select: string | RegExp): RegExp {
  if (typeof select === "string") {
    try {
      return new RegExp(`^(?:${select})`);
    } catch (error) {
      throw new FormatError(
        `Cannot select parameters: select is ${describe(select)}, expected a regular expression`,
        { cause: error },
      );
    }
  }
  if (select instanceof RegExp) {
    // Without state (g, y) and with `^` for the start of the name only (m).
    return new RegExp(`^(?:${select.source})`, select.flags.replaceAll(/[gmy]/g, ""));
  }
  throw new TypeError(
    `Cannot select parameters: select is ${describe(select)}, expected a string or a RegExp`,
  );
}
