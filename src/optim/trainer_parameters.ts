// The parameters of a trainer: which forms they may be given in, and what must hold for all of them.

import { DeviceError, StateError } from "../core/errors.ts";
import { describe } from "../core/shape.ts";
import { Parameter } from "../nn/parameter.ts";
import type { Device } from "../tensor/mod.ts";

const WHERE = "construct Trainer";

/** Parameters by name, as {@linkcode Block.collectParams} gives them, or without names. */
export type TrainerParameters =
  | ReadonlyMap<string, Parameter>
  | Readonly<Record<string, Parameter>>
  | readonly Parameter[];

/**
 * Checks parameters that came from a caller.
 *
 * @param params The parameters.
 * @returns The parameters by name, sorted, each once.
 * @throws {TypeError} If they are none.
 */
export function readParameters(params: unknown): Map<string, Parameter> {
  if (typeof params !== "object" || params === null || params instanceof Parameter) {
    throw new TypeError(
      `Cannot ${WHERE}: params are ${describe(params)}, expected the Map of collectParams(), an ` +
        `object or an array of Parameters`,
    );
  }
  const pairs: [string, unknown][] = Array.isArray(params)
    ? Array.from(params as unknown[], (parameter, at) => [`${at}`, parameter])
    : params instanceof Map
    ? [...params].sort(([a], [b]) => a < b ? -1 : 1)
    : Object.entries(params).sort(([a], [b]) => a < b ? -1 : 1);
  const found = new Map<string, Parameter>();
  const seen = new Set<Parameter>();
  for (const [name, parameter] of pairs) {
    if (!(parameter instanceof Parameter)) {
      throw new TypeError(
        `Cannot ${WHERE}: params[${describe(name)}] is ${
          describe(parameter)
        }, expected a Parameter`,
      );
    }
    if (seen.has(parameter)) continue;
    seen.add(parameter);
    found.set(name, parameter);
  }
  return found;
}

/**
 * Checks that all parameters have values on the same devices, or will get theirs later.
 *
 * @param parameters The parameters by name.
 * @throws {StateError} If one is not initialized.
 * @throws {DeviceError} If two live on different devices.
 */
export function checkPlaces(parameters: ReadonlyMap<string, Parameter>): void {
  let first: { name: string; devices: readonly Device[] } | undefined;
  for (const [name, parameter] of parameters) {
    if (parameter.deferred) continue; // where it will live may depend on its first input
    const devices = parameter.listDevice(); // throws if it is not initialized
    first ??= { name, devices };
    const same = devices.length === first.devices.length &&
      devices.every((device) => first!.devices.includes(device));
    if (same) continue;
    throw new DeviceError(
      `Cannot ${WHERE}: Parameter '${name}' lives on ${
        namesOf(devices)
      }, expected the devices of ` +
        `Parameter '${first.name}', ${namesOf(first.devices)}; resetDevice() moves parameters`,
    );
  }
}

function namesOf(devices: readonly Device[]): string {
  return devices.map(({ adapter }) => adapter.name).join(", ");
}

/**
 * The error of a step with a gradient that no backward pass computed.
 *
 * @param where What is being done, for messages.
 * @param name Name of the parameter.
 * @param device Where the gradient lives.
 * @returns The error, in Gluon's words.
 */
export function staleError(where: string, name: string, device: Device): StateError {
  return new StateError(
    `Cannot ${where}: Gradient of Parameter '${name}' on context ${device.adapter.name} has not been ` +
      `updated by backward since last \`step\`. This could mean a bug in your model that made it only ` +
      `use a subset of the Parameters (Blocks) for this iteration. If you are intentionally only using ` +
      `a subset, call step with ignoreStaleGrad = true to skip updating of Parameters with stale gradient`,
  );
}
