// What other folders use of tensors.

export type { Adapter } from "../device/adapter.ts";
export { Device } from "../device/device.ts";
export type { PrepareProgress } from "../device/kernels.ts";
export type { DType, HostArray } from "../core/dtype.ts";
export { arange, type CreateOptions, empty, full, ones, tensor, zeros } from "./create.ts";
export { checkDevice, defaultDevice, devices, setDefaultDevice } from "./default_device.ts";
export {
  execute,
  preparedBuffer,
  type ResultSpec,
  resultSpec,
  type TensorSpec,
} from "./execute.ts";
export { fixedShape } from "./fixed_shape.ts";
export type { ConvertibleArray, NestedNumbers, TensorData } from "./host_data.ts";
export { checkDTypeName, readHostData } from "./host_data.ts";
export {
  type BackwardOptions,
  checkWrite,
  type GradReq,
  setTensorGradients,
  type TensorGradients,
} from "./gradients.ts";
export { TensorMethods } from "./methods.ts";
export { setTensorOperators, type SliceIndex, type TensorOperators } from "./operators.ts";
export { keep, scope } from "./scope.ts";
export { holderOf, holdMember, ScopeMember } from "./scope_stack.ts";
export { reclaimForgotten, Storage, unwatchOwner, watchOwner } from "./storage.ts";
export { Tensor } from "./tensor.ts";
export type { NestedList } from "./text.ts";
