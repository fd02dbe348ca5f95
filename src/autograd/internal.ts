// What layers and optimizers use of automatic differentiation beyond what users see. Loads mod.ts, which
// gives tensors their gradient methods.

import "./mod.ts";

export type { GradReq } from "../tensor/mod.ts";
export { withFlags } from "./flags.ts";
export { isInGraph, watchGradient } from "./graph.ts";
export {
  currentGradient,
  GRAD_REQS,
  isGradientFresh,
  markGradientUsed,
  zeroGrad,
} from "./variable.ts";
