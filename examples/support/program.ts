// What every example program needs: errors that a user can put right, files written whole, a device.

import { renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { Device } from "../../mod.ts";

/** Something that the user can put right; the message is a whole sentence for the terminal. */
export class UserError extends Error {
  override readonly name: string = "UserError";
}

/** Writes under another name first, so that the output is whole or not there. */
export function writeWhole(path: string, bytes: Uint8Array | string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    writeFileSync(temporary, bytes);
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    const reason = (cause as { code?: string }).code ?? (cause as Error).message;
    throw new UserError(`the output '${path}' cannot be written (${reason})`, { cause });
  }
}

/** Opens the wanted device, or the best one. */
export function openDevice(name: string | undefined): Device {
  const adapter = name === undefined ? {} : { adapter: /^\d+$/.test(name) ? Number(name) : name };
  return Device.open(adapter);
}

/**
 * Runs a program and says in one line what went wrong.
 *
 * @param body The program.
 * @param advice What a user can do about errors, by their names.
 * @returns The exit code.
 */
export async function runProgram(
  body: () => Promise<void>,
  advice: Readonly<Record<string, string>> = {},
): Promise<number> {
  try {
    await body();
    return 0;
  } catch (error) {
    const { name, message: lines } = error instanceof Error ? error : new Error(String(error));
    // The list of devices comes in lines; a script wants one.
    const message = lines.trim().replace(/\s*\n\s*/g, " ");
    const hint = advice[name];
    if (hint !== undefined) console.error(`error: ${hint} (${message})`);
    else if (error instanceof UserError || /Device|Loader/.test(name)) {
      console.error(`error: ${message}`);
    } else console.error(error);
    return 1;
  }
}
