// Profiles as tables of text. Pure.

import type { Profile, ProfileRow } from "./profile.ts";

/** Said where a device cannot tell times. */
const NO_TIMES = "GPU time is not available: the device's queue has no timestamps";

const LABEL_WIDTH = 44;

/**
 * A table of operators and, below each, its kernels; the slowest first.
 *
 * @param profile The profile.
 * @returns The lines.
 */
export function formatProfile(profile: Profile): string {
  const { deviceName, operatorRows, kernelRows, nanoseconds, wallMilliseconds } = profile;
  const gpu = nanoseconds === null ? NO_TIMES : `${fixed(nanoseconds / 1e6, 3)} ms on the GPU`;
  const lines = [
    `${deviceName}: ${gpu}, ${fixed(wallMilliseconds, 3)} ms in all`,
    "",
    columns("Operator / kernel", ["Calls", "ms", "Share", "GFLOP/s", "GB/s"]),
  ];
  for (const row of operatorRows) {
    lines.push(formatRow(row.label, row));
    for (const kernel of kernelRows) {
      const own = kernel.label === row.label || kernel.label.startsWith(`${row.label}/`);
      if (own) lines.push(formatRow(`  ${kernel.program}`, kernel));
    }
  }
  if (operatorRows.length === 0) lines.push("no kernel was launched");
  return lines.join("\n");
}

function formatRow(label: string, row: ProfileRow): string {
  return columns(label, [
    String(row.calls),
    row.nanoseconds === null ? "-" : fixed(row.nanoseconds / 1e6, 3),
    row.share === null ? "-" : `${fixed(row.share * 100, 1)} %`,
    // Copies compute nothing: a zero would look like a fault.
    row.flops === 0 || row.gigaflopsPerSecond === null ? "-" : fixed(row.gigaflopsPerSecond, 2),
    row.gigabytesPerSecond === null ? "-" : fixed(row.gigabytesPerSecond, 2),
  ]);
}

function columns(label: string, cells: readonly string[]): string {
  return label.padEnd(LABEL_WIDTH) + cells.map((cell) => cell.padStart(11)).join("");
}

function fixed(value: number, digits: number): string {
  return value.toFixed(digits);
}
