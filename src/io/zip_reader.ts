// Reading zip archives that nobody vouches for. Only the central directory is believed, because
// MXNet writes zero sizes into local headers, and that only within limits.
// Knows no arrays. Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

import { Inflate } from "fflate";
import { type ByteReader, type Limits, MAX_RATIO } from "./byte_reader.ts";
import { crc32 } from "./crc32.ts";

/** One file of an archive. */
export interface ZipEntry {
  /** Its path. */
  readonly name: string;
  /** Whether it is deflated; stored otherwise. */
  readonly deflated: boolean;
  /** Bit 0 of the flags. */
  readonly encrypted: boolean;
  /** How it is compressed: 0 is stored, 8 is deflated. */
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Offset of its local header. */
  readonly offset: number;
  /** Offset of its record in the central directory, for messages. */
  readonly record: number;
}

/** An entry with the place of its bytes. */
export interface LocatedEntry extends ZipEntry {
  /** Offset of its compressed bytes. */
  readonly start: number;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const END_BYTES = 22;
const MAX_COMMENT = 65_535;
/** Input for one step of inflating: at most 17 MiB come out before they are counted. */
const STEP_BYTES = 16_384;

interface Directory {
  readonly count: number;
  readonly offset: number;
  /** Offset after the last record: where the end records begin. */
  readonly end: number;
}

/**
 * Reads the central directory of an archive.
 *
 * @param reader The archive.
 * @param limits How many entries and bytes there may be.
 * @returns The entries in the order of the directory, none of which overlap.
 * @throws {FormatError} If the archive is damaged or ambiguous.
 * @throws {LimitError} If the entries are more or larger than allowed.
 */
export function readZip(reader: ByteReader, limits: Limits): LocatedEntry[] {
  const directory = findDirectory(reader);
  if (directory.count > limits.maxArrays) {
    reader.limit(
      `there are ${directory.count} entries, at most ${limits.maxArrays} are allowed; ` +
        `raise maxArrays to allow more`,
      directory.end,
    );
  }
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  let total = 0;
  reader.position = directory.offset;
  for (let index = 0; index < directory.count; index++) {
    const entry = readRecord(reader, directory.end);
    if (names.has(entry.name)) {
      reader.fail(`two entries are named ${JSON.stringify(entry.name)}`, entry.record);
    }
    names.add(entry.name);
    total += entry.size;
    if (total > limits.maxBytes) {
      reader.limit(
        `the entries have ${total} bytes up to ${JSON.stringify(entry.name)}, ` +
          `at most ${limits.maxBytes} are allowed; raise maxBytes to allow more`,
        entry.record,
      );
    }
    entries.push(entry);
  }
  if (reader.position !== directory.end) {
    reader.fail(`the directory ends before its declared end at byte ${directory.end}`);
  }
  return locate(reader, entries, directory.offset);
}

function findDirectory(reader: ByteReader): Directory {
  const first = Math.max(0, reader.end - END_BYTES - MAX_COMMENT);
  const { bytes } = reader;
  for (let at = reader.end - END_BYTES; at >= first; at--) {
    if (bytes[at] !== 0x50 || bytes[at + 1] !== 0x4b) continue;
    reader.position = at;
    if (reader.u32("the end record") === END) return readEnd(reader, at);
  }
  return reader.fail(`there is no end record of a zip archive; the file may be cut off`, first);
}

function readEnd(reader: ByteReader, at: number): Directory {
  const disks = reader.u16("disks") + reader.u16("disks");
  const here = reader.u16("entries");
  const count = reader.u16("entries");
  const size = reader.u32("size");
  const offset = reader.u32("offset");
  reader.skip(reader.u16("comment length"), "the comment at the end");
  const saturated = count === 0xffff || size === 0xffffffff || offset === 0xffffffff;
  const locator = at - 20;
  if (saturated && locator >= 0) {
    reader.position = locator;
    if (reader.u32("the locator") === LOCATOR64) return readEnd64(reader, locator);
  }
  return checkDirectory(reader, at, { disks, here, count, size, offset });
}

function readEnd64(reader: ByteReader, locator: number): Directory {
  const disk = reader.u32("disk");
  const at = reader.u64("the offset of the zip64 end record");
  if (at > locator) {
    reader.fail(`the zip64 end record is said to be at byte ${at}, after its locator`, locator);
  }
  reader.position = at;
  if (reader.u32("the zip64 end record") !== END64) {
    reader.fail(`there is no zip64 end record where the locator says`, at);
  }
  reader.skip(12, "the zip64 end record");
  const disks = disk + reader.u32("disks") + reader.u32("disks");
  const here = reader.u64("entries");
  const count = reader.u64("entries");
  const size = reader.u64("size");
  const offset = reader.u64("offset");
  return checkDirectory(reader, at, { disks, here, count, size, offset });
}

function checkDirectory(
  reader: ByteReader,
  end: number,
  record: { disks: number; here: number; count: number; size: number; offset: number },
): Directory {
  const { disks, here, count, size, offset } = record;
  if (disks !== 0 || here !== count) {
    reader.fail(`the archive spans several files, expected a single one`, end);
  }
  // A number past 2^53 would be inexact, but is far beyond every file.
  if (offset + size !== end) {
    reader.fail(
      `the directory has ${size} bytes at byte ${offset}, expected it to end here; ` +
        `the file may be cut off or prefixed`,
      end,
    );
  }
  return { count, offset, end };
}

function readRecord(reader: ByteReader, end: number): ZipEntry {
  const record = reader.position;
  if (reader.u32("a directory record") !== CENTRAL) {
    reader.fail(`there is no directory record`, record);
  }
  reader.skip(4, "versions");
  const flags = reader.u16("flags");
  const method = reader.u16("method");
  reader.skip(4, "time");
  const crc = reader.u32("checksum");
  let compressedSize = reader.u32("compressed size");
  let size = reader.u32("size");
  const nameLength = reader.u16("name length");
  const extraLength = reader.u16("extra length");
  const commentLength = reader.u16("comment length");
  const disk = reader.u16("disk");
  reader.skip(6, "attributes");
  let offset = reader.u32("offset");
  const nameAt = reader.position;
  if (nameAt + nameLength + extraLength + commentLength > end) {
    reader.fail(`a directory record reaches over the end of the directory`, record);
  }
  const name = reader.text(nameLength, "an entry name");
  checkName(reader, name, nameAt);
  const extra = reader.position;
  const wide = findExtra(reader, extra, extra + extraLength);
  if (wide !== undefined) {
    if (size === 0xffffffff) size = reader.u64("size");
    if (compressedSize === 0xffffffff) compressedSize = reader.u64("compressed size");
    if (offset === 0xffffffff) offset = reader.u64("offset");
    if (reader.position > wide) reader.fail(`the field of 64-bit sizes is cut off`, extra);
  }
  if (disk !== 0 && disk !== 0xffff) {
    reader.fail(`the archive spans several files, expected a single one`, record);
  }
  reader.position = extra + extraLength + commentLength;
  // Masked or unusual encryption has other bits; its entries do not inflate or fail their checksum.
  const encrypted = (flags & 0x2041) !== 0;
  return {
    name,
    deflated: method === 8,
    encrypted,
    method,
    crc,
    compressedSize,
    size,
    offset,
    record,
  };
}

function checkName(reader: ByteReader, name: string, at: number): void {
  const bad = name === ""
    ? "empty"
    : /^[/\\]/.test(name)
    ? "an absolute path"
    : name.includes("\0")
    ? "cut by a NUL"
    : undefined;
  if (bad !== undefined) reader.fail(`the entry name ${JSON.stringify(name)} is ${bad}`, at);
}

/** Moves to the 64-bit sizes of a record and returns their end; undefined if it has none. */
function findExtra(reader: ByteReader, start: number, end: number): number | undefined {
  reader.position = start;
  while (reader.position < end) {
    const at = reader.position;
    if (end - at < 4) reader.fail(`an extra field is cut off`, at);
    const id = reader.u16("extra field");
    const length = reader.u16("extra field");
    if (length > end - reader.position) reader.fail(`an extra field is cut off`, at);
    if (id === 1) return reader.position + length;
    reader.position += length;
  }
  return undefined;
}

/** Finds the bytes of every entry by its local header. */
function locate(
  reader: ByteReader,
  entries: readonly ZipEntry[],
  directory: number,
): LocatedEntry[] {
  const located = entries.map((entry) => {
    const { name, offset, compressedSize, record } = entry;
    if (offset > directory) {
      reader.fail(`the entry ${JSON.stringify(name)} is said to be at byte ${offset}`, record);
    }
    reader.position = offset;
    if (reader.u32("a local header") !== LOCAL) {
      reader.fail(`there is no local header of ${JSON.stringify(name)}`, offset);
    }
    reader.skip(22, "a local header");
    const nameLength = reader.u16("name length");
    const extraLength = reader.u16("extra length");
    const own = reader.text(nameLength, "an entry name");
    if (own !== name) {
      reader.fail(
        `an entry is named ${JSON.stringify(name)} in the directory and ` +
          `${JSON.stringify(own)} in its own header`,
        offset,
      );
    }
    const start = reader.position + extraLength;
    if (start + compressedSize > directory) {
      reader.fail(
        `the entry ${JSON.stringify(name)} has ${compressedSize} bytes, ` +
          `only ${Math.max(0, directory - start)} are left before the directory`,
        offset,
      );
    }
    return { ...entry, start };
  });
  const sorted = [...located].sort((a, b) => a.offset - b.offset);
  for (let index = 1; index < sorted.length; index++) {
    const [before, after] = [sorted[index - 1]!, sorted[index]!];
    if (before.start + before.compressedSize > after.offset) {
      reader.fail(
        `the entries ${JSON.stringify(before.name)} and ${JSON.stringify(after.name)} overlap`,
        after.offset,
      );
    }
  }
  return located;
}

/**
 * Unpacks an entry and checks its checksum.
 *
 * @param reader The archive.
 * @param entry The entry.
 * @returns Its bytes; of a stored entry without a copy.
 * @throws {FormatError} If it is encrypted, compressed in another way than deflate, or damaged.
 * @throws {LimitError} If its declared size is more than deflate can pack.
 */
export function unpack(reader: ByteReader, entry: LocatedEntry): Uint8Array {
  const quoted = JSON.stringify(entry.name);
  if (entry.encrypted) {
    reader.fail(`the entry ${quoted} is encrypted, expected a plain one`, entry.record);
  }
  if (entry.method !== 0 && !entry.deflated) {
    reader.fail(
      `the entry ${quoted} has compression method ${entry.method}, expected 0 (stored) ` +
        `or 8 (deflate)`,
      entry.record,
    );
  }
  const packed = reader.bytes.subarray(entry.start, entry.start + entry.compressedSize);
  const bytes = entry.deflated ? inflate(reader, entry, packed) : packed;
  if (bytes.length !== entry.size) {
    reader.fail(
      `the entry ${quoted} has ${bytes.length} bytes, its directory record says ${entry.size}`,
      entry.record,
    );
  }
  const crc = crc32(bytes);
  if (crc !== entry.crc) {
    reader.fail(
      `the entry ${quoted} is damaged: its CRC-32 is ${hexadecimal(crc)}, ` +
        `expected ${hexadecimal(entry.crc)}`,
      entry.start,
    );
  }
  return bytes;
}

function hexadecimal(value: number): string {
  return "0x" + value.toString(16).padStart(8, "0");
}

/** Inflates step by step, so that more than the declared size is noticed early. */
function inflate(reader: ByteReader, entry: LocatedEntry, packed: Uint8Array): Uint8Array {
  const quoted = JSON.stringify(entry.name);
  if (entry.size > packed.length * MAX_RATIO) {
    reader.limit(
      `the entry ${quoted} unpacks ${packed.length} bytes to ${entry.size}, ` +
        `at most ${MAX_RATIO} times as many are allowed`,
      entry.record,
    );
  }
  const bytes = new Uint8Array(entry.size);
  let filled = 0;
  const stream = new Inflate((chunk) => {
    if (filled + chunk.length > bytes.length) {
      reader.fail(
        `the entry ${quoted} unpacks to more than the ${entry.size} bytes that its directory ` +
          `record says`,
        entry.record,
      );
    }
    bytes.set(chunk, filled);
    filled += chunk.length;
  });
  try {
    for (let at = 0; at === 0 || at < packed.length; at += STEP_BYTES) {
      stream.push(packed.subarray(at, at + STEP_BYTES), at + STEP_BYTES >= packed.length);
    }
  } catch (error) {
    // Own errors of the callback, and those of fflate, which are plain Errors.
    if (error instanceof SyntaxError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    reader.fail(`the entry ${quoted} does not inflate: ${reason}`, entry.start);
  }
  return bytes.subarray(0, filled);
}
