// Programs of pooling, and the constants that all of them share.

import { type ProgramId, programs } from "../../shaders/manifest.ts";
import type { Program } from "../core/dispatch.ts";
import type { DType } from "../core/dtype.ts";
import type { Capabilities } from "./plan.ts";
import type { PoolingProblem } from "./pooling_problem.ts";

/**
 * The build of a pooling shader for a device.
 *
 * @param capabilities The device.
 * @param name The shader.
 * @param elements Words or vec4s of its largest operand: texel views have a limit.
 * @returns The program.
 */
export function poolingProgram(
  capabilities: Capabilities,
  name:
    | "forward"
    | "backward"
    | "cpu_backward"
    | "cpu_spread"
    | "reduce"
    | "cpu_forward"
    | "cpu_lanes"
    | "cpu_channels"
    | "cpu_reduce",
  elements: number,
): Program {
  const texels = elements <= capabilities.maxTexelBufferElements;
  const wanted = capabilities.deviceClass === "cpu" ? capabilities.loadPath : "storage";
  const build = wanted === "texel" && !texels ? "storage" : wanted;
  const id: ProgramId = `pooling/${name}.${build}`;
  return programs[id];
}

/** Specialization constants of scan.glsl, which every pooling shader includes. */
export function ruleConstants(problem: PoolingProblem, dtype: DType): Record<string, number> {
  return {
    half: dtype === "float16" ? 1 : 0,
    propagate: problem.propagate && problem.type === "max" ? 1 : 0,
  };
}

/** Specialization constants of window.glsl. */
export function windowConstants(problem: PoolingProblem): Record<string, number> {
  return { adaptive: problem.adaptive ? 1 : 0, include_pad: problem.includePad ? 1 : 0 };
}
