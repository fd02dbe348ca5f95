/**
 * Files with arrays (`.npy`, `.npz`, `.params` of MXNet, `.safetensors`) and with graphs
 * (`-symbol.json` of MXNet).
 *
 * ```ts
 * import { assert } from "@std/assert";
 * import { decodeParameters, encodeParameters } from "@vknn/vknn/io";
 *
 * const weight = { shape: [2, 2], dtype: "float32", data: new Float32Array([1, 2, 3, 4]) } as const;
 * const bytes = encodeParameters(new Map([["0.weight", weight]])); // MXNet 2 reads these bytes
 * const parameters = decodeParameters(bytes); // and those that MXNet wrote
 * assert(parameters.get("0.weight")?.data.join() === "1,2,3,4");
 * ```
 *
 * Reading needs no GPU, and no permission but for a path. Files are not trusted: everything is
 * checked against limits before memory is taken.
 *
 * @module
 */
export { FileError, FormatError, LimitError, ShapeError } from "./src/core/errors.ts";
export {
  type ArrayContent,
  FILE_DTYPES,
  type FileArray,
  fileArray,
  type FileDType,
  type FileValues,
} from "./src/io/file_array.ts";
export type { ReadOptions } from "./src/io/byte_reader.ts";
export type { FileSource } from "./src/io/files.ts";
export {
  ARRAY_FORMATS,
  type ArrayFormat,
  arrayFormat,
  type EncodeOptions,
  type WriteOptions,
} from "./src/io/formats.ts";
export { decodeArrays, encodeArrays, readArrays, writeArrays } from "./src/io/arrays.ts";
export {
  decodeParameters,
  encodeParameters,
  readParameters,
  writeParameters,
} from "./src/io/parameters.ts";
export { decodeNpy, encodeNpy } from "./src/io/npy.ts";
export { decodeNpz, encodeNpz, type NpzWriteOptions } from "./src/io/npz.ts";
export {
  decodeNDArrayList,
  encodeNDArrayList,
  type NDArrayList,
  type NDArrayListWriteOptions,
} from "./src/io/ndarray_list.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsContent,
  type SafetensorsWriteOptions,
} from "./src/io/safetensors.ts";
export {
  decodeSymbol,
  encodeSymbol,
  readSymbol,
  type SymbolEntry,
  type SymbolGraph,
  type SymbolGraphAttribute,
  type SymbolNode,
  type SymbolReadOptions,
  writeSymbol,
} from "./src/io/symbol_json.ts";
export { bfloat16ToFloat32, fromTensor, toTensor } from "./src/io/tensors.ts";
