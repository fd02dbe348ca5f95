/** Memory and barriers planned ahead: nothing that is still needed is overwritten, and nothing overtakes. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { divide } from "../../src/device/recordings.ts";
import type { Graph, GraphNode } from "../../src/graph/graph.ts";
import { distribute, type Interval, pack } from "../../src/graph/intervals.ts";
import { planBarriers, type Touch } from "../../src/graph/static_barriers.ts";
import { type ArenaLimits, planStatic, type StaticPlan } from "../../src/graph/static_plan.ts";
import type { Operand } from "../../src/graph/static_steps.ts";
import { operators } from "../../src/ops/index.ts";
import { FORGED } from "../reference/capabilities.ts";
import { test } from "../support/test.ts";

const ALIGNMENT = 64;
const LIMITS: ArenaLimits = { alignment: ALIGNMENT, pieceBytes: 2 ** 31 };

const interval = fc.record({
  byteLength: fc.integer({ min: 1, max: 2000 }),
  first: fc.integer({ min: 0, max: 30 }),
  length: fc.integer({ min: 0, max: 12 }),
}).map(({ byteLength, first, length }): Interval => ({ byteLength, first, last: first + length }));

const padded = ({ byteLength }: Interval) => Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;

/** Most bytes that live at a time: no packing is smaller. */
function busiest(intervals: readonly Interval[]): number {
  return Math.max(
    0,
    ...intervals.map(({ first: at }) =>
      intervals.filter(({ first, last }) => first <= at && at <= last)
        .reduce((sum, each) => sum + padded(each), 0)
    ),
  );
}

test("values that live at the same time never overlap; the arena is no larger than their sum", () => {
  fc.assert(
    fc.property(
      fc.array(interval, { maxLength: 40 }),
      fc.constantFrom(2 ** 31, 4096),
      (intervals, limit) => {
        const { pieces, offsets, byteLengths } = distribute(intervals, ALIGNMENT, limit)!;
        intervals.forEach((a, i) => {
          assertEquals(offsets[i]! % ALIGNMENT, 0);
          assert(offsets[i]! + a.byteLength <= byteLengths[pieces[i]!]!);
          intervals.slice(0, i).forEach((b, j) => {
            if (a.last < b.first || b.last < a.first || pieces[i] !== pieces[j]) return;
            assert(
              offsets[i]! + a.byteLength <= offsets[j]! ||
                offsets[j]! + b.byteLength <= offsets[i]!,
            );
          });
        });
        const total = byteLengths.reduce((sum, bytes) => sum + bytes, 0);
        assert(total <= intervals.reduce((sum, each) => sum + padded(each), 0));
        assert(byteLengths.every((bytes) => bytes <= limit));
        assert(total >= busiest(intervals));
        if (limit === 2 ** 31) assert(byteLengths.length <= 1);
      },
    ),
    { numRuns: 400 },
  );
});

test("a chain takes the room of its two largest neighbors, branches take no more than they must", () => {
  const chain = [64, 640, 128, 1280, 64].map((byteLength, at) => ({
    byteLength,
    first: at,
    last: at + 1,
  }));
  assertEquals(pack(chain, ALIGNMENT).byteLength, 1408);
  assertEquals(pack(chain, ALIGNMENT).byteLength, busiest(chain));
  // A long value beside short ones: the short ones share what is left.
  const long = { byteLength: 256, first: 0, last: 9 };
  const short = [0, 2, 4, 6].map((first) => ({ byteLength: 192, first, last: first + 1 }));
  assertEquals(pack([long, ...short], ALIGNMENT).byteLength, 448);
  assertEquals(pack([], ALIGNMENT).byteLength, 0);
});

test("a single value longer than a piece has no distribution", () => {
  assertEquals(distribute([{ byteLength: 129, first: 0, last: 0 }], ALIGNMENT, 128), null);
});

const touch = fc.record({
  memory: fc.integer({ min: 0, max: 1 }),
  offset: fc.integer({ min: 0, max: 8 }),
  byteLength: fc.integer({ min: 1, max: 4 }),
  writes: fc.boolean(),
});

function conflict(a: Touch, b: Touch): boolean {
  const [low, high] = a.offset <= b.offset ? [a, b] : [b, a];
  return a.memory === b.memory && (a.writes || b.writes) &&
    low.offset + low.byteLength > high.offset;
}

test("a barrier stands between steps that conflict, and only there", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(touch, { minLength: 1, maxLength: 3 }), { maxLength: 20 }),
      (steps) => {
        let since: (readonly Touch[])[] = [];
        planBarriers(steps).forEach((waits, at) => {
          const step = steps[at]!;
          const conflicts = since.some((before) =>
            before.some((a) => step.some((b) => conflict(a, b)))
          );
          assertEquals(waits, conflicts);
          if (waits) since = [];
          since.push(step);
        });
      },
    ),
    { numRuns: 400 },
  );
});

test("recorded work is divided where a submission would take too long, and nowhere else", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 30 }), (times) => {
      const parts = divide(times, 10);
      assertEquals(parts.flatMap(([from, to]) => times.slice(from, to)), times);
      const sum = ([from, to]: readonly [number, number]) =>
        times.slice(from, to).reduce((all, each) => all + each, 0);
      parts.forEach((part, at) => {
        const [from, to] = part;
        assert(sum(part) <= 10 || times.slice(from, to).filter((each) => each > 0).length === 1);
        if (at > 0) assert(sum(parts[at - 1]!) + times[from]! > 10);
      });
    }),
  );
  assertEquals(divide([1e6, 2e6, 3e6]), [[0, 3]]);
  assertEquals(divide([]), [[0, 0]]);
});

/** A graph made from numbers: each picks an operator and operands among the values so far. */
function build(choices: readonly (readonly [number, number, number])[], outputs: number): Graph {
  const nodes: GraphNode[] = [
    { kind: "input", name: "data", spec: { shape: [1, 2, 4, 4], dtype: "float32" } },
    { kind: "parameter", name: "weight", spec: { shape: [2, 2, 3, 3], dtype: "float32" } },
  ];
  const call = (name: string, attributes: object, inputs: readonly (number | null)[]) => {
    const operator = operators.find((each) => each.name === name)!;
    const checked = operator.normalize(attributes);
    const specs = inputs.map((input) => input === null ? null : nodes[input]!.spec);
    try {
      const spec = operator.infer(checked, specs);
      const node = { kind: "call", name: "", operator, attributes: checked, inputs, spec } as const;
      nodes.push(node);
    } catch {
      // Shapes that do not fit make no node.
    }
  };
  for (const [kind, first, second] of choices) {
    const values = nodes.map((_, index) => index).filter((index) => index !== 1);
    const a = values[first % values.length]!;
    const b = values[second % values.length]!;
    const { shape } = nodes[a]!.spec;
    switch (kind) {
      case 0:
        call("Activation", { act_type: "relu" }, [a]);
        break;
      case 1:
        call("broadcast_add", {}, [a, b]);
        break;
      case 2:
        call("Concat", { dim: 1 }, [a, b]);
        break;
      case 3:
        call("Convolution", { kernel: [3, 3], pad: [1, 1], num_filter: 2, no_bias: true }, [a, 1]);
        break;
      case 4:
        call("slice", { begin: [null, 1], end: [null, null] }, [a]);
        break;
      case 5:
        call("BlockGrad", {}, [a]);
        break;
      case 6:
        call("Concat", { dim: 0 }, [a, a, b]);
        break;
      default:
        call("softmax", { axis: shape.length - 1 }, [a]);
    }
  }
  const last = nodes.length - 1;
  return {
    nodes,
    inputs: [0],
    outputs: Array.from({ length: outputs }, (_, at) => Math.max(0, last - 2 * at)),
  };
}

/** Memory in words, each with the name of what was written there last. */
class Memory {
  readonly #words = new Map<string, string>();
  constructor(readonly plan: StaticPlan) {}

  #word(operand: Operand, at: number): string {
    if (operand.kind === "inside") {
      const { piece, offset } = this.plan.regions[operand.region]!;
      return `arena ${piece} ${(offset + operand.offset) / 4 + at}`;
    }
    return operand.kind === "input"
      ? `input ${operand.index} ${at}`
      : operand.kind === "prepared"
      ? `prepared ${operand.node} ${operand.slot.key} ${at}`
      : `${operand.kind} ${operand.node} ${at}`;
  }

  read(operand: Operand, at: number): string {
    return this.#words.get(this.#word(operand, at)) ?? "nothing";
  }

  write(operand: Operand, at: number, name: string): void {
    this.#words.set(this.#word(operand, at), name);
  }
}

function count(graph: Graph, node: number): number {
  return graph.nodes[node]!.spec.shape.reduce((all, size) => all * size, 1);
}

/** The name of every element of every value, as a run call by call gives it. */
function contentsOf(graph: Graph, plan: StaticPlan): string[][] {
  const contents: string[][] = [];
  graph.nodes.forEach((node, index) => {
    const own = Array.from({ length: count(graph, index) }, (_, at) => `${index}:${at}`);
    if (node.kind !== "call") contents.push(own);
    else if (plan.entries[index]!.view) contents.push(contents[node.inputs[0]!]!);
    else if (node.operator.name !== "Concat") contents.push(own);
    else {
      const axis = node.attributes.dim as number;
      const { shape } = node.spec;
      const outer = shape.slice(0, axis).reduce((all, size) => all * size, 1);
      const parts = node.inputs.map((input) => contents[input!]!);
      contents.push(
        Array.from(
          { length: outer },
          (_, row) =>
            parts.flatMap((part) =>
              part.slice(row * part.length / outer, (row + 1) * part.length / outer)
            ),
        ).flat(),
      );
    }
  });
  return contents;
}

/** Runs the steps on names, and checks that whatever a call reads is what it should be. */
function simulate(graph: Graph, plan: StaticPlan): void {
  const contents = contentsOf(graph, plan);
  const memory = new Memory(plan);
  contents[0]!.forEach((name, at) => memory.write({ kind: "input", index: 0 }, at, name));
  const operandOf = (node: number): Operand | undefined => {
    const root = plan.values.rootOf(node);
    const { home, offset } = plan.values.placeOf(root);
    if (graph.nodes[root]!.kind === "input") return { kind: "input", index: 0 };
    if (graph.nodes[root]!.kind !== "call") return { kind: "variable", node: root };
    if (plan.values.isOutput(home)) {
      return plan.operands.find((each) => each.kind === "output" && each.node === home);
    }
    const region = plan.homes.get(home);
    if (region === undefined) return undefined;
    return { kind: "inside", region, offset, byteLength: count(graph, root) * 4 };
  };
  graph.nodes.forEach((node, index) => {
    const steps = plan.steps.filter((step) => step.node === index);
    // Nothing is read without elements, nor where all operands of a concatenation are in place.
    if (node.kind !== "call" || steps.length === 0) return;
    for (const input of node.inputs) {
      if (input === null || contents[input]!.length === 0) continue;
      if (graph.nodes[plan.values.rootOf(input)]!.kind === "parameter") continue;
      const operand = operandOf(input);
      assert(operand !== undefined, `node ${index} reads node ${input}, which has no memory`);
      contents[input]!.forEach((name, at) => {
        assertEquals(memory.read(operand, at), name, `node ${index} reads node ${input} at ${at}`);
      });
    }
    const operand = operandOf(index)!;
    if (node.operator.name !== "Concat") {
      // Scratch memory is overwritten with rubbish.
      for (const number of steps.flatMap(({ operands }) => operands)) {
        const each = plan.operands[number]!;
        if (each.kind !== "inside" || [...plan.homes.values()].includes(each.region)) continue;
        for (let at = 0; at < each.byteLength / 4; at++) memory.write(each, at, "rubbish");
      }
    }
    contents[index]!.forEach((name, at) => memory.write(operand, at, name));
  });
  for (const output of graph.outputs) {
    if (graph.nodes[plan.values.rootOf(output)]!.kind !== "call") continue;
    if (contents[output]!.length === 0) continue;
    const operand = operandOf(output)!;
    assertEquals(operand.kind, "output");
    contents[output]!.forEach((name, at) => assertEquals(memory.read(operand, at), name));
  }
}

test("graphs read what they should from planned memory, whatever takes whose place", () => {
  let shared = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 30 }), fc.nat({ max: 30 })), {
        minLength: 1,
        maxLength: 14,
      }),
      fc.integer({ min: 1, max: 2 }),
      (choices, outputs) => {
        const graph = build(choices, outputs);
        const plan = planStatic(graph, FORGED.cpu, LIMITS)!;
        simulate(graph, plan);
        graph.nodes.forEach((node, index) => {
          if (node.kind !== "call" || plan.entries[index]!.view) return;
          if (plan.values.placeOf(index).home !== index) shared++;
        });
      },
    ),
    { numRuns: 400 },
  );
  assert(shared > 100, "too few values took the place of others for this test to mean anything");
});

test("operands of a concatenation are made where it wants them, unless something is in the way", () => {
  const relu = [0, 1, 2] as const; // of the input
  const both = build([relu, relu, [2, 1, 2], [7, 3, 0]], 1);
  const plan = planStatic(both, FORGED.cpu, LIMITS)!;
  assertEquals(plan.steps.map(({ node }) => both.nodes[node]!.kind === "call" && node), [2, 3, 5]);
  // An operand that the caller gets, or that comes twice, is copied.
  const kept = { ...both, outputs: [2, 5] };
  assertEquals(planStatic(kept, FORGED.cpu, LIMITS)!.steps.map(({ node }) => node), [2, 3, 4, 5]);
  const twice = build([[3, 0, 0], [2, 1, 1], [7, 2, 0]], 1);
  const copies = planStatic(twice, FORGED.cpu, LIMITS)!.steps.filter(({ node }) => node === 3);
  assertEquals(copies.length, 1);
});

test("what draws random numbers runs call by call; the same operator outside of training does not", () => {
  const dropout = (mode: string): Graph => {
    const operator = operators.find(({ name }) => name === "Dropout")!;
    const spec = { shape: [2, 2], dtype: "float32" } as const;
    const attributes = operator.normalize({ p: 0.5, mode });
    return {
      nodes: [
        { kind: "input", name: "data", spec },
        { kind: "call", name: "", operator, attributes, inputs: [0], spec },
      ],
      inputs: [0],
      outputs: [1],
    };
  };
  assertEquals(planStatic(dropout("always"), FORGED.cpu, LIMITS), null);
  assertEquals(planStatic(dropout("training"), FORGED.cpu, LIMITS)!.steps.length, 0);
});
