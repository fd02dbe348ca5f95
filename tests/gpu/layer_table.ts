// Runs the rows of a layer table: results, gradients and second derivatives against the oracle, noted in a ledger whose
// claims README's table is made of.

import { assert, assertEquals, assertThrows } from "@std/assert";
import * as vknn from "../../mod.ts";
import type { LayerCase, Values } from "../cases/layer.ts";
import type { Reference } from "../reference/array.ts";
import { assertClose, type CloseOptions } from "../support/close.ts";
import { committedResults, falseClaims, Ledger, type Part } from "../support/ledger.ts";
import { gpuTest } from "../support/test.ts";

const { autograd } = vknn;

/** Set by `deno task table`: what was found replaces what is committed. */
const UPDATE = "VKNN_UPDATE_RESULTS";

/** Set by tests/validation/run.ts, whose runs leave no results: those of the GPU stages are compared with each other. */
const VALIDATION = "VKNN_VALIDATION";

function isSet(name: string): boolean {
  const { process } = globalThis as { process?: { env: Record<string, string | undefined> } };
  return process?.env[name] === "1";
}

function make(values: Values, dtype: LayerCase["dtype"]): vknn.Tensor {
  return vknn.tensor(values.data, values.shape, { dtype });
}

async function check(ledger: Ledger, each: LayerCase): Promise<void> {
  const { dtype, label, layout } = each;
  using layer = each.make();
  const params = Object.entries(each.params);
  layer.loadDict(
    new Map(params.map(([name, { data, shape }]) => [name, { data, shape: [...shape] }])),
  );
  if (dtype === "float16") layer.cast("float16");
  using x = make(each.input, dtype).attachGrad();
  using head = make(each.head, dtype);
  using places = each.indices === undefined
    ? null
    : vknn.tensor(Int32Array.from(each.indices.data), each.indices.shape);
  const inputs = places === null ? [x] : [x, places];
  const leaves = new Map<string, vknn.Tensor>([["input", x]]);
  for (const [name, parameter] of layer.collectParams()) {
    leaves.set(name, parameter.data().attachGrad());
  }
  assertEquals([...leaves.keys()].sort(), ["input", ...Object.keys(each.params)].sort(), label);

  const compare = async (
    found: vknn.Tensor | null | undefined,
    expected: Reference,
    at: { part: Part; of?: string },
    tolerance: CloseOptions,
  ): Promise<void> => {
    const name = `${at.part} ${at.of ?? ""} of ${label}`;
    assert(found, name);
    assertEquals(found.dtype, dtype, name);
    assertEquals(found.shape, [...expected.shape], name);
    const values = await found.data() as Float32Array<ArrayBuffer>;
    assertClose(values, expected.data, { ...tolerance, label: name });
    await ledger.add(each.layer, { layout, dtype, ...at }, values, expected.data);
  };

  const { output, gradients } = each.expected();
  const { tolerance } = each;
  {
    using y = autograd.record(() => layer.call(...inputs) as vknn.Tensor);
    y.backward(head);
    await compare(y, output, { part: "forward" }, tolerance.output);
  }
  for (const [name, expected] of Object.entries(gradients)) {
    const all = tolerance.gradients as Readonly<Record<string, CloseOptions>>;
    const own = all[name] ?? (tolerance.gradients as CloseOptions);
    await compare(leaves.get(name)!.grad, expected, { part: "gradient", of: name }, own);
  }
  if (each.second === "refused") {
    const kept: vknn.Tensor[] = [];
    const first = autograd.record(() => {
      const y = layer.call(...inputs) as vknn.Tensor;
      kept.push(y);
      return autograd.grad(y, x, { headGradients: head, createGraph: true });
    });
    kept.push(first);
    assertThrows(() => first.backward(), vknn.AutogradError, each.layer);
    ledger.refuses(each.layer);
    for (const tensor of kept) tensor.dispose();
  } else if (each.second !== undefined) {
    const { directions, expected } = each.second();
    const kept: vknn.Tensor[] = [];
    head.attachGrad();
    const sums = autograd.record(() => {
      const y = layer.call(...inputs) as vknn.Tensor;
      kept.push(y);
      return Object.entries(directions).map(([name, direction]) => {
        const along = make(direction, dtype);
        const first = autograd.grad(y, leaves.get(name)!, {
          headGradients: head,
          createGraph: true,
        });
        const sum = first.mul(along).reshape([-1]);
        kept.push(along, first, sum);
        return sum;
      });
    });
    autograd.backward(sums);
    for (const [name, wanted] of Object.entries(expected)) {
      const leaf = name === "head" ? head : leaves.get(name)!;
      await compare(leaf.grad, wanted, { part: "second", of: name }, SECOND);
    }
    for (const tensor of kept) tensor.dispose();
    head.attachGrad("null");
  }
}

/** reliability.md section 3, float32 gradients. */
const SECOND: CloseOptions = { rtol: 5e-4, atol: 5e-5 };

/**
 * Registers the tests of a family: one for each class, and one that compares what all of them found with what is claimed.
 *
 * @param family Name of the family in the results.
 * @param cases Its rows.
 */
export function layerTable(family: string, cases: readonly LayerCase[]): void {
  const ledger = new Ledger();
  let done = 0;
  for (const [layer, rows] of Map.groupBy(cases, ({ layer }) => layer)) {
    gpuTest(`${layer} agrees with the oracle in all ${rows.length} rows of its table`, async () => {
      for (const each of rows) await check(ledger, each);
      done += rows.length;
    });
  }
  gpuTest(`what the results claim of ${family} is what was found`, (device) => {
    assertEquals(done, cases.length, "a class failed: there is nothing to claim");
    if (!isSet(VALIDATION)) ledger.write(family, device.adapter.name);
    if (isSet(UPDATE)) return;
    const software = device.capabilities.deviceClass === "cpu";
    const wrong = falseClaims(committedResults()[family], ledger.result, software);
    assertEquals(wrong, [], `run \`deno task table\` if this is right: ${wrong.join("; ")}`);
  });
}
