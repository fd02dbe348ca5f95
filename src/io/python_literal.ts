// The part of Python's literals that headers of .npy files use: dictionaries, tuples, lists, quoted
// text, integers, True, False, None. A parser of its own, because nothing of a file may be run.

import type { ByteReader } from "./byte_reader.ts";

/** A parsed literal; integers are non-negative or negative bigints. */
export type Literal =
  | string
  | bigint
  | boolean
  | null
  | { readonly kind: "tuple" | "list"; readonly items: readonly Literal[] }
  | ReadonlyMap<string, Literal>;

const MAX_DEPTH = 8;
const TOKEN_REGEXP =
  /\s*(?:([[\](){},:])|'([^'\\\n]*)'|"([^"\\\n]*)"|(-?\d{1,20})L?\b|([A-Za-z]+))/y;

/**
 * Parses one literal and nothing after it but white space.
 *
 * @param text The text.
 * @param reader Where errors are reported.
 * @param start Offset of the text in the bytes; one byte is taken for each character.
 * @returns The value.
 * @throws {FormatError} If the text is no such literal; names the offset.
 */
export function parseLiteral(text: string, reader: ByteReader, start: number): Literal {
  let position = 0;

  /** The next token: a punctuation mark, or a value. */
  const next = (): { readonly mark?: string; readonly value?: Literal } => {
    TOKEN_REGEXP.lastIndex = position;
    const match = TOKEN_REGEXP.exec(text);
    if (match === null) {
      return reader.fail(`the header has no Python literal here`, start + position);
    }
    const [whole, mark, single, double, digits, word] = match;
    position += whole.length;
    if (mark !== undefined) return { mark };
    if (digits !== undefined) return { value: BigInt(digits) };
    if (word === undefined) return { value: (single ?? double)! };
    const constant = word === "True" ? true : word === "False" ? false : null;
    if (constant === null && word !== "None") {
      reader.fail(`the header has the word ${JSON.stringify(word)}`, start + position);
    }
    return { value: constant };
  };
  const expect = (wanted: string, token: { readonly mark?: string }) => {
    if (token.mark !== wanted) {
      reader.fail(`the header lacks ${JSON.stringify(wanted)}`, start + position);
    }
  };

  const parse = (depth: number, token = next()): Literal => {
    if (token.mark === undefined) return token.value!;
    if (depth > MAX_DEPTH) reader.fail(`the header is nested too deep`, start + position);
    if (token.mark === "{") return dictionary(depth);
    const close = token.mark === "(" ? ")" : token.mark === "[" ? "]" : undefined;
    if (close === undefined) {
      return reader.fail(`the header has ${JSON.stringify(token.mark)} here`, start + position);
    }
    const items: Literal[] = [];
    let comma = false;
    for (let entry = next(); entry.mark !== close; entry = next()) {
      if (items.length > 0 && !comma) {
        expect(",", entry);
        comma = true;
        continue;
      }
      items.push(parse(depth + 1, entry));
      comma = false;
    }
    // One item in parentheses is a tuple only with a comma.
    if (close === ")" && items.length === 1 && !comma) return items[0]!;
    return { kind: close === ")" ? "tuple" : "list", items };
  };

  const dictionary = (depth: number): ReadonlyMap<string, Literal> => {
    const entries = new Map<string, Literal>();
    for (let token = next(); token.mark !== "}"; token = next()) {
      if (typeof token.value !== "string") {
        return reader.fail(`the header has a key that is no text`, start + position);
      }
      if (entries.has(token.value)) {
        reader.fail(`the header has two keys ${JSON.stringify(token.value)}`, start + position);
      }
      expect(":", next());
      entries.set(token.value, parse(depth + 1));
      token = next();
      if (token.mark === "}") break;
      expect(",", token);
    }
    return entries;
  };

  const value = parse(0);
  if (text.slice(position).trim() !== "") {
    reader.fail(`the header has text after its literal`, start + position);
  }
  return value;
}
