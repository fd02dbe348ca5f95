// Whether cost grows with the work and nothing else: one convolution over batches and sizes.

import type { Device } from "../mod.ts";
import { makeLayer } from "./layer_subject.ts";
import type { Layer } from "./layers.ts";
import { type Effort, measureSubject } from "./measure.ts";
import type { Result } from "./results.ts";

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

function layerOf(batch: number, size: number): Layer {
  const shape = [batch, CHANNELS, size, size];
  const gflop = 2 * batch * CHANNELS * CHANNELS * 9 * size * size / 1e9;
  return {
    id: `sweep n${batch} ${size}x${size}`,
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

/** Batches at 56 x 56 pixels, then sizes at batch 1. */
export async function measureSweep(
  device: Device,
  effort: Effort,
): Promise<SweepPoint[]> {
  const pairs = [
    ...BATCHES.map((batch) => [batch, 56] as const),
    ...SIZES.map((size) => [1, size] as const),
  ];
  const points: SweepPoint[] = [];
  for (const [batch, size] of pairs) {
    const layer = layerOf(batch, size);
    const subject = makeLayer(layer);
    try {
      const work = { gflop: layer.gflop.fwd!, bytes: layer.bytes.fwd! };
      const result = await measureSubject(
        device,
        layer.id,
        subject,
        work,
        effort,
      );
      points.push({ batch, size, gflop: work.gflop, result });
    } finally {
      subject.dispose();
    }
  }
  return points;
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
