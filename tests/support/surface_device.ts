// Valid calls of devices, which need one that exists.

import { planScalar } from "../../src/kernels/elementwise.ts";
import type { Dispatch } from "../../mod.ts";
import type { Kit } from "./surface_kit.ts";
import type { MethodCall } from "./surface_methods.ts";

/** A fresh dispatch over 16 numbers: what is checked once is not checked again. */
function dispatch({ device }: Kit): Dispatch {
  const plan = planScalar(device.capabilities, { kind: "affine", scale: 2, shift: 1 }, 16);
  return { ...plan.dispatches[0] as Dispatch };
}

const nothing: MethodCall = { args: () => [] };

/** Methods and statics by name as the surface has them; `Device#dispose` has a test of its own. */
export const DEVICE_METHODS: Readonly<Record<string, MethodCall>> = {
  "Device.open": {
    args: () => [{
      memoryBudgetBytes: 2 ** 26,
      timeoutMilliseconds: 60_000,
      validate: false,
      loadPath: "storage",
      winograd: true,
      log: () => {},
    }],
  },
  "Device#allocate": { args: () => [64, "hostile", true] },
  "Device#upload": { args: (kit) => [kit.buffer, new Uint8Array(16), 4] },
  "Device#download": { args: (kit) => [kit.buffer, 0, 16] },
  "Device#downloadSync": { args: (kit) => [kit.buffer, 0, 16] },
  "Device#fill": { args: (kit) => [kit.buffer, 7] },
  "Device#copy": { args: (kit) => [kit.buffer, 0, kit.buffer, 16, 16] },
  "Device#dispatch": { args: (kit) => [dispatch(kit), [kit.buffer, kit.buffer], "hostile"] },
  "Device#prepare": { args: (kit) => [dispatch(kit)] },
  "Device#flush": nothing,
  "Device#synchronize": nothing,
  "Device#synchronizeSync": nothing,
  "Device#memory": nothing,
  "Device#memoryByLabel": nothing,
  "Device#startProfile": nothing,
  "Device#stopProfile": nothing,
  "Tuning#find": { args: () => ["work"] },
  "Tuning#toJSON": nothing,
  "Tuning#load": { args: ({ device }) => [device.kernels.tuning.toJSON()] },
  "Tuning#save": nothing,
  "Kernels#prepare": { args: (kit) => [[dispatch(kit)], () => {}] },
  "Kernels#rehearse": { args: () => [() => {}] },
  "Kernels#collect": { args: (kit) => [dispatch(kit)] },
};
