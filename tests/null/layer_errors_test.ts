/** Whatever operator refuses the input of a layer, the error names the layer. */
import { assert, assertEquals } from "@std/assert";
import * as vknn from "../../mod.ts";
import type { Kit } from "../support/surface_kit.ts";
import { Kit as Tensors } from "../support/surface_kit.ts";
import { LAYERS } from "../support/surface_classes.ts";
import { test } from "../support/test.ts";
import { FakeDevice } from "./tensor_fake_device.ts";

const { Block, setMessageHandler } = vknn;

/** Inputs that some layers refuse; others take some of them. */
const INPUTS: Readonly<Record<string, (kit: Kit) => vknn.Tensor>> = {
  "int32 image": (kit) => kit.zeros([1, 4, 6, 6], "int32"),
  "int32 line": (kit) => kit.zeros([1, 4, 6], "int32"),
  "int32 volume": (kit) => kit.zeros([1, 4, 4, 4, 4], "int32"),
  "int32 matrix": (kit) => kit.zeros([2, 3], "int32"),
  "float16 image": (kit) => kit.zeros([1, 4, 6, 6], "float16"),
  "float16 line": (kit) => kit.zeros([1, 4, 6], "float16"),
  "float16 volume": (kit) => kit.zeros([1, 4, 4, 4, 4], "float16"),
  "float16 matrix": (kit) => kit.zeros([2, 3], "float16"),
  "scalar": (kit) => kit.zeros([]),
  "one element": (kit) => kit.zeros([1]),
  "image of one channel": (kit) => kit.zeros([1, 1, 6, 6]),
  "narrow image": (kit) => kit.zeros([1, 4, 1, 1]),
  "narrow line": (kit) => kit.zeros([1, 4, 1]),
  "narrow volume": (kit) => kit.zeros([1, 4, 1, 1, 1]),
  "image without rows": (kit) => kit.zeros([1, 4, 0, 3]),
  "line without elements": (kit) => kit.zeros([1, 4, 0]),
  "volume without elements": (kit) => kit.zeros([1, 4, 2, 0, 2]),
};

/** Layers that take everything, or run what their caller wrote. */
const TAKES_ALL = ["Concatenate", "Flatten", "HybridConcatenate", "HybridSequential", "Identity"];
const WRITTEN_BY_CALLERS = ["HybridLambda", "Lambda", "Sequential", "SymbolBlock"];

test("errors of operators name the layer that applied them, also a derived class", () => {
  const { device } = new FakeDevice();
  const { device: other } = new FakeDevice("other");
  const before = setMessageHandler(() => {});
  const refusing = new Set<string>();
  const names = Object.keys(LAYERS).filter((name) =>
    !name.includes(".") && !WRITTEN_BY_CALLERS.includes(name)
  );
  for (const name of names) {
    const Layer = (vknn as Record<string, unknown>)[name] as new (...args: unknown[]) => object;
    const Derived = { [`My${name}`]: class extends Layer {} }[`My${name}`]!;
    for (const [input, make] of Object.entries(INPUTS)) {
      const kit = new Tensors({ device, other, folder: "" });
      const layer = new Derived(...LAYERS[name]![0](kit));
      assert(layer instanceof Block);
      if (name.endsWith("Concatenate")) {
        (layer as unknown as vknn.HybridConcatenate).add(new vknn.Flatten());
      }
      layer.initialize(null, { device });
      const x = make(kit);
      const more = name.startsWith("MaxUnpool") ? [kit.zeros(x.shape, "int32")] : [];
      try {
        kit.ownAll(layer.call(x, ...more));
      } catch (error) {
        refusing.add(name);
        const { message } = error as Error;
        assert(message.startsWith(`Cannot apply My${name}: `), `${name}, ${input}: ${message}`);
      }
      layer.dispose();
      kit.dispose();
    }
  }
  setMessageHandler(before);
  assertEquals(names.filter((name) => !refusing.has(name) && !TAKES_ALL.includes(name)), []);
});
