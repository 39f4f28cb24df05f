import zlib from "node:zlib";

type Decompress = (frame: Uint8Array, size: number) => Uint8Array;

let decompress: Decompress | undefined;

/**
 * Makes zstdFrame ready. Node has Zstandard since 22.15; before that the reference implementation runs as WebAssembly (pure
 * JavaScript took four times as long on ORC files).
 */
export async function loadZstd(): Promise<void> {
  decompress ??= nativeZstd() ?? (await wasmZstd());
}

function nativeZstd(): Decompress | undefined {
  // Not in the types of Node 20.
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array };
  return zstdDecompressSync && ((frame, size) => zstdDecompressSync(frame, { maxOutputLength: Math.max(size, 1) }));
}

async function wasmZstd(): Promise<Decompress> {
  const { ZSTDDecoder } = await import("zstddec");
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return (frame, size) => {
    const out = decoder.decode(frame, size);
    // The decoder does not look at error codes; they are negative sizes, which come out as nothing.
    if (out.length === 0 && size > 0) throw new RangeError("Zstandard frame is damaged");
    return out;
  };
}

/**
 * Decompresses one Zstandard frame of at most `limit` bytes (RFC 8878). Call loadZstd first.
 * Throws RangeError (or Node's zlib errors) for damaged input; callers turn it into their own error.
 */
export function zstdFrame(frame: Uint8Array, limit: number): Uint8Array {
  if (!decompress) throw new Error("loadZstd was not called");
  const size = frameSize(frame);
  if (size !== undefined && size > limit) throw new RangeError(`Zstandard frame of ${size} bytes where at most ${limit} are allowed`);
  const out = decompress(frame, size ?? limit);
  if (size !== undefined && out.length !== size) throw new RangeError("Zstandard frame is shorter than it says");
  return out;
}

/** The content size in a frame's header, if it is there. */
function frameSize(frame: Uint8Array): number | undefined {
  if (frame[0] !== 0x28 || frame[1] !== 0xb5 || frame[2] !== 0x2f || frame[3] !== 0xfd) throw new RangeError("not a Zstandard frame");
  const descriptor = frame[4] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  const flag = descriptor >> 6;
  const bytes = flag === 0 ? (single ? 1 : 0) : 1 << flag;
  if (bytes === 0) return undefined;
  const at = 5 + (single ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  let size = flag === 1 ? 256 : 0;
  for (let i = 0; i < bytes; i++) size += (frame[at + i] ?? 0) * 2 ** (8 * i);
  return size;
}
