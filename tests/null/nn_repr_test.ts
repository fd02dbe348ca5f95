/** Texts of layers and blocks: MXNet's, letter for letter. */
import { assert, assertEquals } from "@std/assert";
import { inspect } from "node:util";
import * as vknn from "../../mod.ts";
import { behaviour, optionsOf } from "../golden/load.ts";
import { test } from "../support/test.ts";

type Maker = new (...values: unknown[]) => vknn.Block;

const layers = vknn as unknown as Readonly<Record<string, Maker | undefined>>;

test("toString() of layers is MXNet's repr", () => {
  let checked = 0;
  for (const { layer, args, kwargs, text } of behaviour().repr) {
    const Layer = layers[layer];
    if (Layer === undefined) continue;
    // MXNet's second positional argument of the pooling layers is strides.
    const pooling = /^(Max|Avg)Pool/.test(layer);
    const strides = pooling && args.length > 1 ? { strides: args[1] } : {};
    // What MXNet takes by name and we by position.
    const { kernel_size: kernelSize, ...named } = kwargs;
    const options = { ...strides, ...optionsOf(named) };
    const values = pooling ? [args[0]] : kernelSize === undefined ? args : [...args, kernelSize];
    const made = new Layer(...values, ...Object.keys(options).length > 0 ? [options] : []);
    // MXNet ignores in_channels (quirk Q3 of the specification); we know the shape at once.
    const inChannels = kwargs["in_channels"];
    const expected = inChannels === undefined ? text : text.replace("(-1 ->", `(${inChannels} ->`);
    assertEquals(`${made}`, expected);
    checked++;
  }
  assert(checked >= 8, `only ${checked} layers checked`);
});

test("derived layers print their own name", () => {
  class Pointwise extends vknn.Conv2D {
    constructor(channels: number) {
      super(channels, 1, { useBias: false });
    }
  }
  class Grid extends vknn._Conv {
    constructor() {
      super(2, [3, 1], {}, ["NHWC", "NCHW"]);
    }
  }
  const text = "Pointwise(-1 -> 4, kernel_size=(1, 1), stride=(1, 1), bias=False)";
  assertEquals(`${new Pointwise(4)}`, text);
  assertEquals(`${new Grid()}`, "Grid(3 -> 2, kernel_size=(3, 1), stride=(1, 1))");
  assertEquals(new Grid().weight.shape, [2, 3, 1, -1]);
});

class Res extends vknn.HybridBlock {
  readonly body: vknn.HybridSequential;
  readonly tail: vknn.Conv2D;

  constructor() {
    super();
    const options = { padding: 1, inChannels: 4 };
    this.body = new vknn.HybridSequential().add(
      new vknn.Conv2D(4, 3, options),
      new vknn.Conv2D(4, 3, { ...options, useBias: false }),
    );
    this.tail = new vknn.Conv2D(4, 1, { inChannels: 4 });
  }

  override forward(x: vknn.Tensor): vknn.Tensor {
    return vknn.add(x, this.tail.call(this.body.call(x)));
  }
}

test("toString() of nested blocks is MXNet's repr", () => {
  const residual = new Res();
  const net = new vknn.Sequential().add(
    new vknn.Conv2D(4, 3, { inChannels: 3 }),
    residual,
    residual,
  );
  const expected = behaviour().summary[1]!.repr;
  const lines = expected.split("\n").filter((line) => !line.startsWith("  (3): GlobalAvgPool2D"));
  assertEquals(`${net}`, lines.join("\n"));
});

test("toString() of containers, empty blocks and small blocks", () => {
  class Empty extends vknn.Block {
    override forward(): void {}
  }
  assertEquals(`${new Empty()}`, "Empty(\n\n)");
  assertEquals(`${new vknn.HybridSequential()}`, "HybridSequential(\n\n)");
  assertEquals(`${new vknn.Identity()}`, "Identity(\n\n)");
  assertEquals(`${new vknn.Flatten()}`, "Flatten");
  assertEquals(`${new vknn.Activation("log_sigmoid")}`, "Activation(log_sigmoid)");
  assertEquals(`${new vknn.UpSampling(2)}`, "UpSampling(scale=2, sample_type=nearest)");
  assertEquals(
    `${new vknn.UpSampling([2, 3], { layout: "NHWC" })}`,
    "UpSampling(scale=(2, 3), sample_type=nearest, layout=NHWC)",
  );
  assertEquals(`${new vknn.Lambda((x: number) => x)}`, "Lambda(<lambda>)");
  assertEquals(`${new vknn.HybridLambda(vknn.relu)}`, "HybridLambda(relu)");
  const both = new vknn.HybridConcatenate({ axis: 1 }).add(new vknn.Flatten(), new vknn.Flatten());
  assertEquals(`${both}`, "HybridConcatenate(\n  (0): Flatten\n  (1): Flatten\n)");
});

test("toString() lists attributes, not children registered by name only", () => {
  class Both extends vknn.Block {
    readonly first = new vknn.Flatten();

    constructor() {
      super();
      this.registerChild(new vknn.Flatten(), "hidden");
    }
    override forward(): void {}
  }
  assertEquals(`${new Both()}`, "Both(\n  (first): Flatten\n)");
});

test("Parameter prints shape and dtype", () => {
  assertEquals(
    `${new vknn.Parameter("weight", { shape: [8, 3, 3, 3] })}`,
    "Parameter (shape=(8, 3, 3, 3), dtype=float32)",
  );
  assertEquals(
    `${new vknn.Parameter("bias", { shape: 8 })}`,
    "Parameter (shape=(8,), dtype=float32)",
  );
  assertEquals(`${new vknn.Parameter()}`, "Parameter (shape=None, dtype=float32)");
});

test("consoles print blocks and parameters as their text", () => {
  const net = new vknn.HybridSequential().add(new vknn.Conv1D(2, 3));
  assertEquals(inspect(net), `${net}`);
  const parameter = new vknn.Parameter("bias", { shape: 8 });
  assertEquals(inspect(parameter), `${parameter}`);
  const deno = (globalThis as { Deno?: { inspect(value: unknown): string } }).Deno;
  if (deno !== undefined) {
    assertEquals(deno.inspect(net), `${net}`);
    assertEquals(deno.inspect(parameter), `${parameter}`);
  }
});
