// The oracle of activations' gradients, by numeric differentiation of the oracle of activations.

import { assertAlmostEquals, assertThrows } from "@std/assert";
import { activation, activationGradient } from "../reference/activation.ts";
import { test } from "../support/test.ts";

test("derivatives of activations are the slopes of the activations", () => {
  const at = [-30, -3, -0.7, 0.1, 0.9, 4, 25];
  for (const name of ["sigmoid", "log_sigmoid", "mish", "tanh", "softrelu", "softsign"]) {
    const value = (x: number): number => activation({ data: [x], shape: [1] }, name).data[0]!;
    for (const x of at) {
      const head = { data: [2], shape: [1] };
      const found = activationGradient({ data: [x], shape: [1] }, head, name).data[0]!;
      assertAlmostEquals(found, (value(x + 1e-5) - value(x - 1e-5)) / 1e-5, 1e-8);
    }
  }
  assertThrows(() =>
    activationGradient({ data: [0], shape: [1] }, { data: [0], shape: [1] }, "relu")
  );
});
