// Strict JSON out of untrusted text: keys are unique (JSON.parse would keep the last one silently),
// objects are Maps, so that no key is special, and depth is limited.

import type { ByteReader } from "./byte_reader.ts";

/** A parsed value. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | ReadonlyMap<string, Json>;

const SPACE_REGEXP = /[ \t\n\r]*/y;
const NUMBER_REGEXP = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS: readonly (readonly [string, boolean | null])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

/**
 * Parses JSON text.
 *
 * @param text The text.
 * @param reader Where errors are reported.
 * @param start Offset of the text in the bytes.
 * @param maxDepth How deep objects and arrays may be nested.
 * @returns The value.
 * @throws {FormatError} If the text is no JSON, has a key twice or is nested too deep; names the
 *   offset.
 */
export function parseJson(
  text: string,
  reader: ByteReader,
  start: number,
  maxDepth: number,
): Json {
  let position = 0;

  const fail = (message: string, at = position): never =>
    reader.fail(message, start + new TextEncoder().encode(text.slice(0, at)).length);

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) position += found.length;
    return found;
  };

  /** Whether the next character is a given one; steps over it if so. */
  const take = (mark: string): boolean => {
    match(SPACE_REGEXP);
    if (text[position] !== mark) return false;
    position++;
    return true;
  };

  const string = (what: string): string => {
    match(SPACE_REGEXP);
    const start = position;
    if (text[start] !== '"') return fail(`the JSON has no ${what} here`);
    // No pattern finds the end: long texts would exhaust the stack of some engines.
    for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
      let first = end;
      while (text[first - 1] === "\\") first--;
      if ((end - first) % 2 === 1) continue;
      position = end + 1;
      const content = unquote(text.slice(start, position));
      return content ?? fail(`the JSON has a malformed text`, start);
    }
    return fail(`the JSON has a text without end`);
  };

  const value = (depth: number): Json => {
    if (depth > maxDepth) fail(`the JSON is nested more than ${maxDepth} deep`);
    if (take("{")) return object(depth);
    if (take("[")) {
      const items: Json[] = [];
      if (take("]")) return items;
      do items.push(value(depth + 1)); while (take(","));
      if (!take("]")) fail(`the JSON lacks "," or "]"`);
      return items;
    }
    if (text[position] === '"') return string("text");
    for (const [word, meaning] of WORDS) {
      if (text.startsWith(word, position)) {
        position += word.length;
        return meaning;
      }
    }
    const number = match(NUMBER_REGEXP);
    return number === undefined ? fail(`the JSON has no value here`) : Number(number);
  };

  const object = (depth: number): ReadonlyMap<string, Json> => {
    const entries = new Map<string, Json>();
    if (take("}")) return entries;
    do {
      match(SPACE_REGEXP);
      const at = position;
      const key = string("key");
      if (entries.has(key)) fail(`the JSON has two keys ${JSON.stringify(key)}`, at);
      if (!take(":")) fail(`the JSON lacks ":"`);
      entries.set(key, value(depth + 1));
    } while (take(","));
    if (!take("}")) fail(`the JSON lacks "," or "}"`);
    return entries;
  };

  const result = value(0);
  match(SPACE_REGEXP);
  if (position < text.length) fail(`there is text after the JSON`);
  return result;
}

/** The content of a quoted text; undefined if it has a control character or a wrong escape. */
function unquote(quoted: string): string | undefined {
  try {
    const content: unknown = JSON.parse(quoted);
    return typeof content === "string" && content.isWellFormed() ? content : undefined;
  } catch {
    return undefined;
  }
}
