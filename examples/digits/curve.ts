// The loss of every batch as an SVG: thin for single batches, thick for their running mean, and the accuracy
// after each epoch.

const WIDTH = 720;
const HEIGHT = 360;
const MARGIN = { left: 56, right: 20, top: 34, bottom: 44 };

/** What a curve is made of. */
export interface Curve {
  readonly title: string;
  /** Mean loss of every batch. */
  readonly losses: readonly number[];
  /** The part of the test images that is right, after each epoch. */
  readonly accuracies: readonly number[];
}

/** Exponential running mean, corrected for its start. */
export function smoothed(values: readonly number[], decay = 0.95): number[] {
  let [sum, weight] = [0, 0];
  return values.map((value) => {
    sum = decay * sum + (1 - decay) * value;
    weight = decay * weight + 1 - decay;
    return sum / weight;
  });
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/**
 * Draws a curve.
 *
 * @param curve What to draw.
 * @returns An SVG document.
 */
export function drawCurve({ title, losses, accuracies }: Curve): string {
  const top = Math.max(0.1, ...losses);
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const x = (at: number) => MARGIN.left + (at / Math.max(1, losses.length)) * (right - MARGIN.left);
  const y = (loss: number) => bottom - (loss / top) * (bottom - MARGIN.top);
  const line = (values: readonly number[], style: string) => {
    const points = values.map((value, at) => `${x(at + 1).toFixed(1)},${y(value).toFixed(1)}`);
    return `<polyline fill="none" ${style} points="${points.join(" ")}"/>`;
  };
  const text = (at: number, to: number, words: string, rest = "") =>
    `<text x="${at.toFixed(1)}" y="${to.toFixed(1)}" ${rest}>${escape(words)}</text>`;
  const parts: string[] = [text(MARGIN.left, 20, title, 'font-size="13" font-weight="bold"')];
  const step = top > 1 ? 0.5 : 0.1;
  for (let tick = 0; tick <= top; tick += step) {
    parts.push(`<path d="M${MARGIN.left} ${y(tick).toFixed(1)}H${right}" stroke="#e4e4e4"/>`);
    parts.push(text(MARGIN.left - 8, y(tick) + 4, tick.toFixed(1), 'text-anchor="end"'));
  }
  const epoch = losses.length / Math.max(1, accuracies.length);
  accuracies.forEach((accuracy, at) => {
    const end = x(epoch * (at + 1));
    parts.push(
      `<path d="M${end.toFixed(1)} ${MARGIN.top}V${bottom}" stroke="#bbb" stroke-dasharray="3 3"/>`,
    );
    const words = `${(100 * accuracy).toFixed(1)} %`;
    parts.push(text(end - 4, MARGIN.top + 12, words, 'text-anchor="end" fill="#0b6e4f"'));
    parts.push(text(end, bottom + 16, `${at + 1}`, 'text-anchor="middle"'));
  });
  parts.push(line(losses, 'stroke="#9db8d9" stroke-width="0.8"'));
  parts.push(line(smoothed(losses), 'stroke="#2c6fbb" stroke-width="2"'));
  parts.push(text((MARGIN.left + right) / 2, HEIGHT - 10, "epoch", 'text-anchor="middle"'));
  const middle = (MARGIN.top + bottom) / 2;
  parts.push(
    text(16, middle, "loss", `text-anchor="middle" transform="rotate(-90 16 ${middle})"`),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" ` +
    `height="${HEIGHT}" font-family="sans-serif" font-size="11" fill="#222">\n` +
    `<rect width="100%" height="100%" fill="#fff"/>\n${parts.join("\n")}\n</svg>\n`;
}
