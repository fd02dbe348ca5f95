// Float64 oracle of the activations (spec: layers.md section 4).

import type { Reference } from "./array.ts";

const softplus = (x: number): number => (x > 20 ? x : Math.log1p(Math.exp(x)));

const FUNCTIONS: Readonly<Record<string, (x: number, alpha: number) => number>> = {
  none: (x) => x,
  relu: (x) => (Number.isNaN(x) ? x : x > 0 ? x : 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  log_sigmoid: (x) => -softplus(-x),
  mish: (x) => x * Math.tanh(softplus(x)),
  tanh: (x) => Math.tanh(x),
  softrelu: softplus,
  softsign: (x) => (Math.abs(x) === Infinity ? Math.sign(x) : x / (1 + Math.abs(x))),
  leaky: (x, alpha) => (x > 0 ? x : alpha * x),
};

/** Names of all activations. */
export const ACTIVATION_NAMES: readonly string[] = Object.keys(FUNCTIONS);

/** Applies an activation to every element. */
export function activation(x: Reference, name: string, alpha: number = 0.01): Reference {
  const apply = FUNCTIONS[name];
  if (apply === undefined) throw new TypeError(`no activation ${name}`);
  return { data: Float64Array.from(x.data, (each) => apply(each, alpha)), shape: [...x.shape] };
}

/** Derivatives as spec: layers.md section 4 has them, of the smooth ones. */
const DERIVATIVES: Readonly<Record<string, (x: number) => number>> = {
  sigmoid: (x) => FUNCTIONS["sigmoid"]!(x, 0) * (1 - FUNCTIONS["sigmoid"]!(x, 0)),
  log_sigmoid: (x) => 1 - Math.exp(-softplus(-x)),
  mish: (x) => {
    const t = Math.tanh(softplus(x));
    return t + x * (1 - t * t) / (1 + Math.exp(-x));
  },
  tanh: (x) => 1 - Math.tanh(x) ** 2,
  softrelu: (x) => 1 - Math.exp(-softplus(x)),
  softsign: (x) => 1 / (1 + Math.abs(x)) ** 2,
};

/** Gradient of an activation of `x` for a gradient of its result. */
export function activationGradient(x: Reference, head: Reference, name: string): Reference {
  const derivative = DERIVATIVES[name];
  if (derivative === undefined) throw new TypeError(`no derivative of ${name}`);
  return {
    data: Float64Array.from(x.data, (each, at) => derivative(each) * head.data[at]!),
    shape: [...x.shape],
  };
}
