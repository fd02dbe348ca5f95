// Sums the device's kernel timings into a table.

/** What the device reports about one kernel launch. */
export interface Timing {
  readonly label: string;
  readonly program: string;
  readonly nanoseconds: number | null;
}

/**
 * Sums launches of the same operator and program, slowest first.
 *
 * @param timings The launches.
 * @returns A table for the terminal.
 */
export function profileTable(timings: readonly Timing[]): string {
  if (timings.some(({ nanoseconds }) => nanoseconds === null)) {
    return "this device has no timestamps";
  }
  const sums = new Map<string, { label: string; program: string; time: number; count: number }>();
  let total = 0;
  for (const { label, program, nanoseconds } of timings) {
    const key = `${label}\n${program}`;
    const sum = sums.get(key) ?? { label, program, time: 0, count: 0 };
    sum.time += nanoseconds!;
    sum.count += 1;
    sums.set(key, sum);
    total += nanoseconds!;
  }
  const rows = [...sums.values()].sort((a, b) => b.time - a.time).map((sum) => [
    sum.label,
    sum.program,
    String(sum.count),
    (sum.time / 1e6).toFixed(2),
    (100 * sum.time / total).toFixed(1),
  ]);
  rows.unshift(["operator", "program", "launches", "ms", "%"]);
  rows.push(["all", "", String(timings.length), (total / 1e6).toFixed(2), "100.0"]);
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) => {
      const width = widths[column]!;
      return column < 2 ? cell.padEnd(width) : cell.padStart(width);
    }).join("  ").trimEnd()
  ).join("\n");
}
