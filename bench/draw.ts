// Tables and the picture of report.ts from files of results, which several runs may have written.
//
//   deno run --allow-read --allow-write bench/draw.ts FILE... [--svg FILE] [--markdown FILE]

import { writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { Findings } from "./findings.ts";
import { benchmarkSet, DIRECTIONS, type Layer } from "./layers.ts";
import { type ReportData, reportMarkdown } from "./report_markdown.ts";
import { reportSvg } from "./report_svg.ts";

const { values: options, positionals: files } = parseArgs({
  options: { svg: { type: "string" }, markdown: { type: "string" } },
  allowPositionals: true,
});
if (files.length === 0 || (options.svg === undefined && options.markdown === undefined)) {
  console.error("error: expected files of JSON lines and --svg FILE or --markdown FILE");
  process.exit(1);
}
const { title, name: ours, results, ceilings } = new Findings(files);
const isOfLayer = (key: string) => benchmarkSet.some(({ id }: Layer) => key.startsWith(`${id} `));
const data: ReportData = {
  title,
  ours,
  layers: benchmarkSet,
  directions: DIRECTIONS,
  results: new Map([...results].filter(([, rows]) => [...rows.keys()].some(isOfLayer))),
  ceilings,
};
if (options.svg !== undefined) writeFileSync(options.svg, reportSvg(data));
if (options.markdown !== undefined) writeFileSync(options.markdown, reportMarkdown(data));
