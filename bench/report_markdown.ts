// The report as Markdown: every layer beside its peers, and what the figures amount to.

import type { Ceilings } from "./ceilings.ts";
import { type Direction, type Layer, workOf } from "./layers.ts";
import { type ByPeer, geometricMean, type Result, timesFaster } from "./results.ts";

/** What a report is made of. */
export interface ReportData {
  /** First line: device, driver, runtime. */
  readonly title: string;
  readonly ours: string;
  readonly layers: readonly Layer[];
  readonly directions: readonly Direction[];
  readonly results: ByPeer;
  readonly ceilings: Ceilings;
}

const DIRECTION_NAMES: Readonly<Record<Direction, string>> = {
  fwd: "forward",
  bwd_data: "gradients of the inputs",
  bwd_weight: "gradients of weight and bias",
  bwd_all: "all gradients",
};

function number(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, at) => (at < 2 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/** GFLOP/s of a compute layer, GB/s of another. */
function rate(result: Result | undefined, isCompute: boolean): string {
  return number(isCompute ? result?.gflops : result?.gbps);
}

function layerTable(
  data: ReportData,
  direction: Direction,
  peers: readonly string[],
): string {
  const mine = data.results.get(data.ours);
  const rows = data.layers.filter(({ directions }) => directions.includes(direction)).map(
    (layer) => {
      const key = `${layer.id} ${direction}`;
      const isCompute = workOf(layer, direction).gflop > 0;
      const ours = mine?.get(key);
      const ceiling = isCompute ? data.ceilings.gflops : data.ceilings.gbps;
      const part = ours === undefined ? NaN : (isCompute ? ours.gflops : ours.gbps) / ceiling;
      return [
        layer.id,
        layer.name + (isCompute ? "" : " (GB/s)"),
        rate(ours, isCompute),
        Number.isFinite(part) ? `${(part * 100).toFixed(0)} %` : "–",
        ...peers.map((peer) => {
          const theirs = data.results.get(peer)!.get(key);
          if (theirs === undefined) return "–";
          const times = ours === undefined ? "" : ` (${number(timesFaster(ours, theirs))}×)`;
          return rate(theirs, isCompute) + times;
        }),
      ];
    },
  );
  return table(["id", "layer", "vknn", "of ceiling", ...peers], rows);
}

/** Means over the layers that both sides can do. */
function summary(
  data: ReportData,
  direction: Direction,
  peers: readonly string[],
): string {
  const mine = data.results.get(data.ours);
  const compute = data.layers.filter((layer) => workOf(layer, direction).gflop > 0)
    .flatMap(({ id }) => mine?.get(`${id} ${direction}`) ?? []);
  const lines = [
    `- geometric mean over ${compute.length} compute layers: ` +
    `${number(geometricMean(compute.map(({ gflops }) => gflops)))} GFLOP/s`,
  ];
  for (const peer of peers) {
    const ratios = data.layers.flatMap(({ id }) => {
      const key = `${id} ${direction}`;
      const [ours, theirs] = [mine?.get(key), data.results.get(peer)!.get(key)];
      return ours === undefined || theirs === undefined
        ? []
        : [{ id, times: timesFaster(ours, theirs) }];
    });
    if (ratios.length === 0) continue;
    const least = ratios.reduce((
      low,
      next,
    ) => (next.times < low.times ? next : low));
    lines.push(
      `- against ${peer}, ${ratios.length} layers: ` +
        `${number(geometricMean(ratios.map(({ times }) => times)))} times (geometric mean), ` +
        `least ${number(least.times)} (${least.id}), ` +
        `${ratios.filter(({ times }) => times >= 1).length} layers at least as fast`,
    );
  }
  return lines.join("\n");
}

/**
 * Writes the report.
 *
 * @param data What was measured and read.
 * @returns Markdown with one section for each direction.
 */
export function reportMarkdown(data: ReportData): string {
  const { ceilings } = data;
  const parts = [
    `# Benchmark report\n\n${data.title}\n\nCeilings of the device, measured in the same run: ` +
    `${number(ceilings.gflops)} GFLOP/s of float32 multiply-adds in registers, ` +
    `${
      number(ceilings.gbps)
    } GB/s of a plain copy kernel. Rates are by the smallest time; "N×" says how ` +
    `many times faster vknn is, by the median of the ratios of alternating rounds where both ran in turns.`,
  ];
  for (const direction of data.directions) {
    const keys = data.layers.map(({ id }) => `${id} ${direction}`);
    const peers = [...data.results.keys()].filter((peer) =>
      peer !== data.ours && keys.some((key) => data.results.get(peer)!.has(key))
    );
    parts.push(
      `## ${DIRECTION_NAMES[direction]}\n\n${layerTable(data, direction, peers)}\n\n` +
        summary(data, direction, peers),
    );
  }
  return parts.join("\n\n") + "\n";
}
