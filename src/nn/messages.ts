// The one place where layers talk to the programmer without throwing. Knows no layer.

/** Something worth knowing that is no error. */
export interface Message {
  /** `warning` for likely mistakes, `info` for what was asked to be reported. */
  readonly level: "warning" | "info";
  /** What happened and what to do, in one or two sentences. */
  readonly text: string;
}

/** Receives messages instead of the console. */
export type MessageHandler = (message: Message) => void;

function printMessage(message: Message): void {
  // deno-lint-ignore no-console -- the only print of the module, and replaceable
  console[message.level === "warning" ? "warn" : "info"](`vknn: ${message.text}`);
}

let current: MessageHandler = printMessage;

/**
 * Sends warnings of blocks and parameters elsewhere. By default they go to the console.
 *
 * @param handler Receives every message from now on; null restores the console.
 * @returns The handler before this call, to be put back.
 *
 * @example
 * ```ts
 * import { Parameter, setMessageHandler } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: string[] = [];
 * const previous = setMessageHandler((message) => seen.push(message.text));
 * new Parameter("weight", { shape: [2] });
 * setMessageHandler(previous);
 * assertEquals(seen, []);
 * ```
 */
export function setMessageHandler(handler: MessageHandler | null): MessageHandler {
  const previous = current;
  current = handler ?? printMessage;
  return previous;
}

/**
 * Reports a likely mistake.
 *
 * @param text What happened and what to do.
 */
export function warn(text: string): void {
  current({ level: "warning", text });
}

/**
 * Reports what was asked to be reported.
 *
 * @param text What happened.
 */
export function inform(text: string): void {
  current({ level: "info", text });
}
