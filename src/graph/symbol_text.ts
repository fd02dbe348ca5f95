// Attributes as MXNet writes them: style A of its fast calls, style P of its generated Python functions.

type Value = string | number | boolean | readonly (number | null)[] | null | undefined;

/**
 * A value in style A: `[3,3]`, `1`, `None`.
 *
 * @param value The value.
 * @returns The text.
 */
export function fastText(value: Value): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "object") return `[${value.map((each) => each ?? "None").join(",")}]`;
  return String(value);
}

/**
 * A value in style P: `(3, 3)`, `True`, `None`.
 *
 * @param value The value.
 * @returns The text.
 */
export function pythonText(value: Value): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "object") {
    const items = value.map((each) => String(each ?? "None"));
    return items.length === 1 ? `(${items[0]},)` : `(${items.join(", ")})`;
  }
  return String(value);
}

/**
 * Attributes as texts.
 *
 * @param values The values.
 * @param text The style.
 * @returns The texts in the order of the values.
 */
export function texts(
  values: Readonly<Record<string, unknown>>,
  text: (value: Value) => string,
): Map<string, string> {
  return new Map(Object.entries(values).map(([name, value]) => [name, text(value as Value)]));
}
