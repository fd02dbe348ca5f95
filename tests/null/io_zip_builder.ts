/**
 * Builds zip archives with any lie in them, which no library would write.
 *
 * @module
 */
import { crc32 } from "../../src/io/crc32.ts";

/** One entry; what is not given is right. */
export interface ZipPart {
  name: string;
  /** Bytes as they lie in the archive. */
  data: Uint8Array;
  /** Bytes of the content; `data` if not given. */
  content?: Uint8Array;
  method?: number;
  flags?: number;
  crc?: number;
  size?: number;
  compressedSize?: number;
  /** Offset of the local header in the directory. */
  offset?: number;
  /** Name in the local header. */
  localName?: string;
  /** Zero checksum and sizes in the local header, and a descriptor after the data. */
  streamed?: boolean;
  /** Sizes and offset in an extra field of the directory. */
  zip64?: { size: bigint; compressedSize: bigint; offset: bigint };
  /** Extra field of the directory as it is. */
  extra?: Uint8Array;
  disk?: number;
}

/** The end of the archive; what is not given is right. */
export interface ZipEnd {
  count?: number;
  size?: number;
  offset?: number;
  disk?: number;
  comment?: Uint8Array;
  junk?: Uint8Array;
  prefix?: Uint8Array;
  /** Writes a zip64 end record with these numbers, and saturates the other one. */
  zip64?: { count?: bigint; size?: bigint; offset?: bigint; at?: bigint; disk?: number };
}

class Writer {
  readonly bytes: number[] = [];
  u16(...values: number[]): this {
    for (const value of values) this.bytes.push(value & 255, value >>> 8 & 255);
    return this;
  }
  u32(...values: number[]): this {
    for (const value of values) this.u16(value & 0xffff, value >>> 16);
    return this;
  }
  u64(...values: bigint[]): this {
    for (const value of values) this.u32(Number(value & 0xffffffffn), Number(value >> 32n));
    return this;
  }
  raw(bytes: Uint8Array): this {
    for (const byte of bytes) this.bytes.push(byte);
    return this;
  }
}

/** Builds an archive. */
export function buildZip(parts: readonly ZipPart[], end: ZipEnd = {}): Uint8Array<ArrayBuffer> {
  const utf8 = new TextEncoder();
  const archive = new Writer().raw(end.prefix ?? new Uint8Array());
  const offsets: number[] = [];
  const sums: number[] = [];
  for (const part of parts) {
    offsets.push(archive.bytes.length);
    const name = utf8.encode(part.localName ?? part.name);
    const sum = part.crc ?? crc32(part.content ?? part.data);
    sums.push(sum);
    const size = (part.content ?? part.data).length;
    const streamed = part.streamed ?? false;
    archive.u32(0x04034b50).u16(20, part.flags ?? (streamed ? 0x808 : 0x800), part.method ?? 0)
      .u16(0, 0x21).u32(...streamed ? [0, 0, 0] : [sum, part.data.length, size])
      .u16(name.length, 0).raw(name).raw(part.data);
    if (streamed) archive.u32(0x08074b50, sum, part.data.length, size);
  }
  const directory = archive.bytes.length;
  parts.forEach((part, index) => {
    const name = utf8.encode(part.name);
    const { zip64 } = part;
    const extra = part.extra ?? (zip64 === undefined ? new Uint8Array() : new Uint8Array(
      new Writer().u16(1, 24).u64(zip64.size, zip64.compressedSize, zip64.offset).bytes,
    ));
    const wide = 0xffffffff;
    archive.u32(0x02014b50).u16(20, 20, part.flags ?? 0x800, part.method ?? 0, 0, 0x21)
      .u32(sums[index] as number)
      .u32(zip64 ? wide : part.compressedSize ?? part.data.length)
      .u32(zip64 ? wide : part.size ?? (part.content ?? part.data).length)
      .u16(name.length, extra.length, 0, part.disk ?? 0, 0).u32(0)
      .u32(zip64 ? wide : part.offset ?? offsets[index] as number)
      .raw(name).raw(extra);
  });
  const size = archive.bytes.length - directory;
  const { zip64 } = end;
  if (zip64 !== undefined) {
    const at = archive.bytes.length;
    const count = zip64.count ?? BigInt(parts.length);
    archive.u32(0x06064b50).u64(44n).u16(45, 45).u32(0, 0).u64(count, count)
      .u64(zip64.size ?? BigInt(size), zip64.offset ?? BigInt(directory))
      .u32(0x07064b50, zip64.disk ?? 0).u64(zip64.at ?? BigInt(at)).u32(1);
  }
  const comment = end.comment ?? new Uint8Array();
  const count = zip64 ? 0xffff : end.count ?? parts.length;
  archive.u32(0x06054b50).u16(end.disk ?? 0, 0, count, count)
    .u32(zip64 ? 0xffffffff : end.size ?? size, zip64 ? 0xffffffff : end.offset ?? directory)
    .u16(comment.length).raw(comment).raw(end.junk ?? new Uint8Array());
  return new Uint8Array(archive.bytes);
}
