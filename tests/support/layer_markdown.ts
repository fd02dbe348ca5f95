/**
 * README's table of layers, from the committed results.
 *
 * @module
 */
import { goldenCases } from "../golden/load.ts";
import type { FamilyResult, LayerResult, Part, Results } from "./ledger.ts";

const BEGIN = "<!-- layers: made by `deno task table` -->";
const END = "<!-- /layers -->";

/** Gluon's classes, in the order of its `__all__`. */
export const GLUON: readonly string[] = [
  ...["Conv1D", "Conv2D", "Conv3D"],
  ...["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"],
  ...["MaxPool1D", "MaxPool2D", "MaxPool3D", "AvgPool1D", "AvgPool2D", "AvgPool3D"],
  ...["GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D"],
  ...["GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalAvgPool3D"],
  ...["ReflectionPad2D", "DeformableConvolution", "ModulatedDeformableConvolution"],
  ...["PixelShuffle1D", "PixelShuffle2D", "PixelShuffle3D"],
];

const PARTS: readonly Part[] = ["forward", "gradient", "second"];

/** Longer names of what gradients are compared of. */
const SHORT: Readonly<Record<string, string>> = {
  deformable_conv_weight: "weight",
  deformable_conv_bias: "bias",
  offset_weight: "offset weight",
  offset_bias: "offset bias",
};

function error(value: number): string {
  return value === 0 ? "0" : value.toExponential(1);
}

function row(name: string, result: LayerResult, golden: number): string {
  const { layouts, dtypes, forward, gradient, second, gradientsOf, worst } = result;
  const cells = [
    `\`${name}\``,
    layouts.join(", "),
    dtypes.join(", "),
    String(golden),
    String(forward),
    `${gradient}: ${gradientsOf.map((each) => SHORT[each] ?? each).join(", ")}`,
    second > 0 ? String(second) : result.refusesSecond ? "refused" : "none",
    error(worst.forward),
    error(worst.gradient),
    error(result.worstHalf),
  ];
  return `| ${cells.join(" | ")} |`;
}

/**
 * The table.
 *
 * @param results The committed results.
 * @returns Markdown: Gluon's classes, then the others, then totals.
 */
export function renderTable(results: Results): string {
  const layers = new Map(Object.values(results).flatMap((each) => Object.entries(each.layers)));
  const golden = Map.groupBy(goldenCases(), ({ layer }) => layer);
  const head = [
    "| layer | layouts | dtypes | MXNet's vectors | forward | gradients | second derivatives | " +
    "worst error forward | gradient | float16 |",
    `|${" --- |".repeat(10)}`,
  ];
  const rows = (names: readonly string[]): string[] =>
    names.map((name) => row(name, layers.get(name)!, golden.get(name)?.length ?? 0));
  const others = [...layers.keys()].filter((name) => !GLUON.includes(name)).sort();
  const worst = (of: (layer: LayerResult) => number, ...families: readonly FamilyResult[]) =>
    error(Math.max(...families.flatMap((each) => Object.values(each.layers).map(of))));
  const totalsOf = (name: string, ...families: readonly FamilyResult[]): string => {
    const cells = [
      name,
      ...PARTS.map((part) => String(families.reduce((all, each) => all + each[part], 0))),
      ...PARTS.map((part) => worst((layer) => layer.worst[part], ...families)),
      worst((layer) => layer.worstHalf, ...families),
    ];
    return `| ${cells.join(" | ")} |`;
  };
  return [
    ...head,
    ...rows(GLUON),
    "",
    "<details><summary>Layers that Gluon has not, and totals</summary>",
    "",
    ...head,
    ...rows(others),
    "",
    "| family | forward | gradients | second derivatives | worst error forward | gradient | " +
    "second derivative | float16 |",
    `|${" --- |".repeat(8)}`,
    ...Object.entries(results).map(([family, each]) => totalsOf(family, each)),
    totalsOf("all", ...Object.values(results)),
    "",
    "</details>",
  ].join("\n");
}

/** The table between its marks. */
export function tableIn(readme: string): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`README.md has no ${BEGIN} … ${END}`);
  return readme.slice(begin + BEGIN.length, end).trim();
}

/** The document with another table between its marks. */
export function replaceTable(readme: string, table: string): string {
  const old = tableIn(readme);
  const [before, after] = readme.split(END) as [string, string];
  const begin = before.slice(0, before.indexOf(BEGIN) + BEGIN.length);
  return old === table ? readme : `${begin}\n\n${table}\n\n${END}${after}`;
}
