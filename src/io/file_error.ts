// What the file system refuses, in sentences that name the caller's path instead of that of a temporary
// file, and what to do about it.

import { FileError } from "../core/errors.ts";
import { describe } from "../core/options.ts";

/** What was to be done with a file. */
export interface FileAccess {
  /** Whether it was to be read or written. */
  readonly verb: "read" | "write";
  /** The path that the caller named. */
  readonly path: string;
  /** The folder of that path. */
  readonly folder: string;
}

/** Code of Node's own permission model, for Deno's error that has none. */
const DENIED = "ERR_ACCESS_DENIED";

/**
 * Turns a runtime's error into one that says what to do.
 *
 * @param where What is being done, for messages.
 * @param access What was to be done with the file.
 * @param cause What the runtime threw.
 * @returns The error to throw; `cause` itself if it does not come from the file system.
 */
export function fileError(where: string, access: FileAccess, cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  const { code = cause.name === "NotCapable" ? DENIED : undefined } = cause as { code?: unknown };
  if (typeof code !== "string") return cause;
  const found = reasons(access)[code] ?? `the system answers ${describe(cause.message)}`;
  return new FileError(`Cannot ${where}: ${found} (${code})`, access.path, code, { cause });
}

function reasons({ verb, ...access }: FileAccess): Readonly<Record<string, string>> {
  const reading = verb === "read";
  const [path, folder] = [describe(access.path), describe(access.folder)];
  const flags = reading
    ? `--allow-read=${access.path}`
    : `--allow-read=${access.folder} --allow-write=${access.folder}: a temporary file there becomes ` +
      `the new one`;
  const missing = `there is no ${reading ? `file ${path}` : `folder ${folder}`}, ` +
    `expected one that exists`;
  const refused = `the system does not let the program ${
    reading ? `read ${path}` : `write in ${folder}`
  }`;
  const full = `there is no room left for ${path}`;
  return {
    [DENIED]: `the program may not ${verb} ${path}, expected to be run with ${flags}`,
    ENOENT: missing,
    ENOTDIR: missing,
    EISDIR: `${path} is a folder, expected a file`,
    EACCES: refused,
    EPERM: refused,
    EROFS: refused,
    ENOSPC: full,
    EDQUOT: full,
    ENAMETOOLONG: `the name ${path} is longer than the system allows`,
  };
}
