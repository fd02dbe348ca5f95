// Sums of gradients over devices. Vulkan devices share no memory, so they go through the host, where they
// are added in float64 in the order of the devices: all copies get the same bits.

import { withFlags } from "../autograd/internal.ts";
import { StateError } from "../core/errors.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { HostArray, Tensor } from "../tensor/mod.ts";

/**
 * Gives all copies of each gradient their sum, and blocks until the devices have computed them.
 *
 * @param parameters The parameters; those on one device are left alone.
 */
export function reduce(parameters: readonly Parameter[]): void {
  const gradients = onSeveralDevices(parameters);
  // All devices compute at the same time: reading one would only start its own.
  for (const device of new Set(gradients.flat().map((copy) => copy.device))) device.flush();
  for (const copies of gradients) spread(copies, copies.map((copy) => copy.dataSync()));
}

/**
 * Gives all copies of each gradient their sum; other work goes on while the devices compute.
 *
 * @param parameters The parameters; those on one device are left alone.
 * @returns When the sums are in place.
 * @throws {StateError} If a gradient changed meanwhile.
 */
export async function reduceAsync(parameters: readonly Parameter[]): Promise<void> {
  const gradients = onSeveralDevices(parameters);
  const all = gradients.flat();
  const versions = all.map(({ storage }) => storage.version);
  // Everything is under way before the first is waited for.
  const values = await Promise.all(
    gradients.map((copies) => Promise.all(copies.map((copy) => copy.data()))),
  );
  const changed = all.find(({ storage }, at) => storage.version !== versions[at]);
  if (changed !== undefined) {
    throw new StateError(
      `Cannot sum gradients over devices: that of shape (${changed.shape}) on ` +
        `${changed.device.adapter.name} changed meanwhile, expected no backward pass and no step ` +
        `before the promise is fulfilled; await it`,
    );
  }
  gradients.forEach((copies, at) => spread(copies, values[at]!));
}

function onSeveralDevices(parameters: readonly Parameter[]): Tensor[][] {
  return parameters
    .filter((parameter) => parameter.listDevice().length > 1)
    .map((parameter) => parameter.listGrad());
}

/** Overwrites the copies with the sum of their values. */
function spread(copies: readonly Tensor[], values: readonly HostArray[]): void {
  const { dtype, size } = copies[0]!;
  const total = new Float64Array(size);
  for (const own of values) {
    for (let at = 0; at < size; at++) total[at]! += own[at]!;
  }
  const sum = dtype === "float16" ? new Float16Array(total) : new Float32Array(total);
  withFlags({ recording: false }, () => {
    for (const copy of copies) copy.assign(sum);
  });
}
