// Work whose variants can be measured against each other: how it is named, and which variant was kept for it. Pure: who measures
// is above.

import type { Capabilities } from "../core/capabilities.ts";

/** Most variants that are worth measuring. */
export const MOST_CANDIDATES = 12;

/** Work that has several variants. */
export interface TunableWork {
  /** Names the work. */
  readonly signature: string;
  /** Variants worth measuring, what the planner would choose alone first. */
  readonly candidates: readonly string[];
}

/**
 * Names work: equal names have equal plans on a device.
 *
 * @param capabilities The device.
 * @param operator What is computed.
 * @param settings Shapes and attributes; plain data, always made in the same order.
 * @returns The name.
 */
export function signatureOf(
  capabilities: Capabilities,
  operator: string,
  settings: object,
): string {
  const { loadPath, winograd, precision } = capabilities;
  const allowed = `${winograd ? "" : " exact"}${precision === "high" ? " parts" : ""}`;
  return `${operator} ${loadPath}${allowed} ${JSON.stringify(settings)}`;
}

/**
 * The variant that was measured to be the fastest.
 *
 * @param capabilities The device.
 * @param operator What is computed.
 * @param settings Shapes and attributes, as for {@linkcode signatureOf}.
 * @param candidates Lists the variants that can compute it.
 * @returns One of them; undefined if nothing was measured, or what was kept is none of them.
 */
export function tunedVariant(
  capabilities: Capabilities,
  operator: string,
  settings: object,
  candidates: () => readonly string[],
): string | undefined {
  const name = capabilities.tuning?.find(signatureOf(capabilities, operator, settings));
  return name !== undefined && candidates().includes(name) ? name : undefined;
}

/**
 * A device whose planner takes one variant for some work.
 *
 * @param capabilities The device.
 * @param signature Names the work.
 * @param variant The variant; undefined for what the planner chooses alone.
 * @returns The same device otherwise.
 */
export function withVariant(
  capabilities: Capabilities,
  signature: string,
  variant: string | undefined,
): Capabilities {
  const { tuning } = capabilities;
  return {
    ...capabilities,
    tuning: { find: (other) => other === signature ? variant : tuning?.find(other) },
  };
}
