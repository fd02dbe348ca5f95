// Whether cost grows with the work and nothing else: one convolution over batches and sizes.

import type { Device } from "../mod.ts";
import { makeLayer } from "./layer_subject.ts";
import { type Layer, workOf } from "./layers.ts";
import { makeResult, ourName, type Result } from "./results.ts";
import type { Effort } from "./rivals.ts";
import { summarize, wallTimes, warmUp } from "./subject.ts";

/** A point of the sweep. */
export interface SweepPoint {
  readonly batch: number;
  readonly size: number;
  readonly gflop: number;
  readonly result: Result;
}

const CHANNELS = 32;
const BATCHES = [1, 2, 4, 8, 16] as const;
const SIZES = [14, 28, 56, 112, 224] as const;

function layerOf(kind: "batch" | "size", batch: number, size: number): Layer {
  const shape = [batch, CHANNELS, size, size];
  const gflop = 2 * batch * CHANNELS * CHANNELS * 9 * size * size / 1e9;
  return {
    id: `sweep ${kind} ${kind === "batch" ? batch : size}`,
    family: "conv2d",
    name: `3x3 ${CHANNELS}->${CHANNELS} @${size} b${batch}`,
    class: "Conv2D",
    args: {
      channels: CHANNELS,
      kernel_size: [3, 3],
      strides: [1, 1],
      padding: [1, 1],
      dilation: [1, 1],
      groups: 1,
      in_channels: CHANNELS,
    },
    input: shape,
    weight: [CHANNELS, CHANNELS, 3, 3],
    bias: [CHANNELS],
    output: shape,
    gflop: { fwd: gflop },
    bytes: { fwd: 8 * batch * CHANNELS * size * size },
    directions: ["fwd"],
  };
}

/**
 * Batches at 56 x 56 pixels, then sizes at batch 1.
 *
 * @returns A point for each, by all rounds.
 */
export async function measureSweep(
  device: Device,
  effort: Effort,
): Promise<SweepPoint[]> {
  const pairs = [
    ...BATCHES.map((batch) => ["batch", batch, 56] as const),
    ...SIZES.map((size) => ["size", 1, size] as const),
  ];
  const rows = pairs.map(([kind, batch, size]) => {
    const layer = layerOf(kind, batch, size);
    return { batch, size, layer, gflop: layer.gflop.fwd!, times: [] as number[] };
  });
  // Rounds over all points: changes of the machine's speed meet each of them.
  for (let round = 0; round < effort.rounds; round++) {
    for (const { layer, times } of rows) {
      const subject = makeLayer(layer);
      try {
        const count = await warmUp(device, subject);
        times.push(...await wallTimes(device, subject, count, effort.milliseconds, 5));
      } finally {
        subject.dispose();
      }
    }
  }
  return rows.map(({ batch, size, gflop, layer, times }) => {
    const work = workOf(layer, "fwd");
    const result = makeResult(ourName(), layer.id, "fwd", summarize(times), work, true);
    return { batch, size, gflop, result };
  });
}

/** The sweep as Markdown. */
export function sweepMarkdown(points: readonly SweepPoint[]): string {
  const rows = points.map(({ batch, size, gflop, result }) =>
    `| ${batch} | ${size} | ${gflop.toFixed(3)} | ${result.ms_median.toPrecision(3)} | ` +
    `${(result.ms_median / gflop).toPrecision(3)} |`
  );
  return [
    `## Cost and work: 3x3 ${CHANNELS}->${CHANNELS}`,
    "",
    "| batch | size | GFLOP | ms | ms per GFLOP |",
    "| ---: | ---: | ---: | ---: | ---: |",
    ...rows,
  ].join("\n") + "\n";
}
