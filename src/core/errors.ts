// The named errors of vknn. Wrong argument types are the built-in TypeError and wrong values the
// built-in RangeError; the classes here name the situations that a caller may want to tell apart.

/** Shapes, ranks or sizes that do not fit each other or the operator. */
export class ShapeError extends RangeError {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "ShapeError";
}

/** A size beyond a limit of the device or of a reader; nothing was allocated. */
export class LimitError extends RangeError {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "LimitError";
}

/** A file or byte array that does not follow its format. */
export class FormatError extends SyntaxError {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "FormatError";
}

/** A file could not be read or written; `cause` is the runtime's own error. */
export class FileError extends Error {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "FileError";
  /** The path that was asked for. */
  readonly path: string;
  /** The system's code, such as `ENOENT`; `ERR_ACCESS_DENIED` if the program lacks Deno's permission. */
  readonly code: string;

  /**
   * Makes the error.
   *
   * @param message What was asked, what was found, what to do.
   * @param path The path that was asked for.
   * @param code The system's code.
   * @param options The cause.
   */
  constructor(message: string, path: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.path = path;
    this.code = code;
  }
}

/** An object was used after `dispose()`. */
export class DisposedError extends Error {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "DisposedError";
}

/** An object is not in the state that the call needs. */
export class StateError extends Error {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "StateError";
}

/** Gradients cannot be computed: nothing was recorded, the graph was freed, or an operator has none. */
export class AutogradError extends StateError {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "AutogradError";
}

/** A parameter was read before its shape became known (MXNet's name). */
export class DeferredInitializationError extends StateError {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "DeferredInitializationError";
}

/** Tensors live on different devices, or no device fits the request. */
export class DeviceError extends Error {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "DeviceError";
}

/** The GPU stopped answering. Sticky: open a new device to go on. */
export class DeviceLostError extends DeviceError {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "DeviceLostError";
}

/** The GPU made no progress within the deadline of a wait. */
export class DeadlineError extends DeviceError {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "DeadlineError";
}

/** The device's memory is exhausted, after cached blocks were freed and the call was tried again. */
export class OutOfMemoryError extends DeviceError {
  /** Name of the class, also in a minified program. */
  override readonly name: string = "OutOfMemoryError";
}
