// The table of activations: numbers as in shaders/glsl/lib/epilogue.glsl.

interface ActivationRow {
  readonly code: number;
  /** Operations per element, for estimates; a transcendental function counts as one. */
  readonly flops: number;
}

/** Activations by MXNet's names (leaky as in `LeakyReLU(act_type="leaky")`). */
export const ACTIVATIONS = {
  none: { code: 0, flops: 0 },
  relu: { code: 1, flops: 1 },
  sigmoid: { code: 2, flops: 3 },
  tanh: { code: 3, flops: 4 },
  softrelu: { code: 4, flops: 3 },
  softsign: { code: 5, flops: 2 },
  log_sigmoid: { code: 6, flops: 3 },
  mish: { code: 7, flops: 8 },
  leaky: { code: 8, flops: 2 },
} as const satisfies Readonly<Record<string, ActivationRow>>;

/** Name of an activation. */
export type ActivationName = keyof typeof ACTIVATIONS;

/** An activation with its parameter. */
export interface ActivationSettings {
  readonly name: ActivationName;
  /** Slope of `leaky` below zero; default 0.01. */
  readonly alpha?: number;
}

/** The absence of an activation. */
export const NO_ACTIVATION: ActivationSettings = { name: "none" };
