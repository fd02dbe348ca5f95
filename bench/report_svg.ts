// The report as a picture: GFLOP/s over FLOP per byte, both logarithmic, under the device's roofline.

import type { ReportData } from "./report_markdown.ts";
import { workOf } from "./layers.ts";

const WIDTH = 900;
const HEIGHT = 560;
const MARGIN = { left: 70, right: 150, top: 40, bottom: 60 };
const COLORS = [
  "#0b6e4f",
  "#c0392b",
  "#2c6fbb",
  "#8e44ad",
  "#b8860b",
  "#5d6d7e",
];

/** A logarithmic axis from `low` to `high` onto pixels. */
function axis(
  low: number,
  high: number,
  from: number,
  to: number,
): (value: number) => number {
  const span = Math.log10(high / low);
  return (value) => from + (Math.log10(value / low) / span) * (to - from);
}

function decades(low: number, high: number): number[] {
  const found: number[] = [];
  for (let at = Math.ceil(Math.log10(low)); 10 ** at <= high; at++) {
    found.push(10 ** at);
  }
  return found;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

interface Point {
  readonly peer: string;
  readonly id: string;
  readonly intensity: number;
  readonly gflops: number;
}

function pointsOf(data: ReportData): Point[] {
  return [...data.results].flatMap(([peer, rows]) =>
    data.layers.flatMap((layer) => {
      const { gflop, bytes } = workOf(layer, "fwd");
      const result = rows.get(`${layer.id} fwd`);
      if (gflop === 0 || result === undefined) return [];
      return [{
        peer,
        id: layer.id,
        intensity: gflop * 1e9 / bytes,
        gflops: result.gflops,
      }];
    })
  );
}

/**
 * Draws the forward results.
 *
 * @param data What was measured and read.
 * @returns An SVG document.
 */
export function reportSvg(data: ReportData): string {
  const points = pointsOf(data);
  const { gflops, gbps } = data.ceilings;
  const rates = [...points.map((point) => point.gflops), gflops];
  const intensities = points.map((point) => point.intensity);
  const [low, high] = [Math.min(...rates) / 1.5, Math.max(...rates) * 1.5];
  const [left, right] = [
    Math.min(...intensities) / 1.5,
    Math.max(...intensities) * 1.5,
  ];
  const x = axis(left, right, MARGIN.left, WIDTH - MARGIN.right);
  const y = axis(low, high, HEIGHT - MARGIN.bottom, MARGIN.top);
  const text = (at: number, to: number, words: string, rest = "") =>
    `<text x="${at.toFixed(1)}" y="${to.toFixed(1)}" ${rest}>${escape(words)}</text>`;
  const line = (x1: number, y1: number, x2: number, y2: number, rest: string) =>
    `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${
      y2.toFixed(1)
    }" ${rest}/>`;
  const parts: string[] = [];
  for (const tick of decades(left, right)) {
    parts.push(line(x(tick), y(low), x(tick), y(high), 'stroke="#e4e4e4"'));
    parts.push(text(x(tick), y(low) + 18, `${tick}`, 'text-anchor="middle"'));
  }
  for (const tick of decades(low, high)) {
    parts.push(line(x(left), y(tick), x(right), y(tick), 'stroke="#e4e4e4"'));
    parts.push(text(x(left) - 8, y(tick) + 4, `${tick}`, 'text-anchor="end"'));
  }
  const roof = (intensity: number) => Math.min(gflops, intensity * gbps);
  const ridge = Math.min(Math.max(gflops / gbps, left), right);
  parts.push(
    `<polyline fill="none" stroke="#444" stroke-dasharray="6 4" points="${
      [left, ridge, right].map((at) =>
        `${x(at).toFixed(1)},${y(Math.max(low, roof(at))).toFixed(1)}`
      ).join(" ")
    }"/>`,
  );
  const peers = [
    data.ours,
    ...[...data.results.keys()].filter((peer) => peer !== data.ours),
  ];
  peers.forEach((peer, at) => {
    const color = COLORS[at % COLORS.length]!;
    const mine = points.filter((point) => point.peer === peer);
    if (mine.length === 0) return;
    for (const { id, intensity, gflops: rate } of mine) {
      const radius = at === 0 ? 4.5 : 3;
      parts.push(
        `<circle cx="${x(intensity).toFixed(1)}" cy="${y(rate).toFixed(1)}" r="${radius}" ` +
          `fill="${color}" fill-opacity="${at === 0 ? 0.95 : 0.55}"><title>${
            escape(`${peer} ${id}: ${rate.toPrecision(3)} GFLOP/s`)
          }</title></circle>`,
      );
      if (at === 0) {
        parts.push(
          text(
            x(intensity) + 6,
            y(rate) - 5,
            id,
            `font-size="10" fill="${color}"`,
          ),
        );
      }
    }
    const row = MARGIN.top + 18 * at;
    const column = WIDTH - MARGIN.right + 16;
    parts.push(`<circle cx="${column}" cy="${row}" r="4" fill="${color}"/>`);
    parts.push(text(column + 10, row + 4, peer));
  });
  parts.push(
    text(
      (x(left) + x(right)) / 2,
      HEIGHT - 16,
      "FLOP per byte",
      'text-anchor="middle"',
    ),
  );
  const middle = HEIGHT / 2;
  parts.push(
    text(
      18,
      middle,
      "GFLOP/s, forward",
      `text-anchor="middle" transform="rotate(-90 18 ${middle})"`,
    ),
  );
  parts.push(text(MARGIN.left, 22, data.title, 'font-size="13"'));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" ` +
    `height="${HEIGHT}" font-family="sans-serif" font-size="12" fill="#222">\n` +
    `<rect width="100%" height="100%" fill="#fff"/>\n${parts.join("\n")}\n</svg>\n`;
}
