/**
 * Collects the warnings of layers during a function.
 *
 * @module
 */
import { type Message, setMessageHandler } from "../../mod.ts";

/** Runs a function and returns the messages it caused. */
export function messagesOf(fn: () => void): Message[] {
  const messages: Message[] = [];
  const previous = setMessageHandler((message) => messages.push(message));
  try {
    fn();
  } finally {
    setMessageHandler(previous);
  }
  return messages;
}

/** Runs a function and returns the texts of its messages, joined. */
export function warningsOf(fn: () => void): string {
  return messagesOf(fn).map(({ text }) => text).join("\n");
}
