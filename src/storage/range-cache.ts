/** Bytes that are remembered in all, and of one reading. */
const LIMIT = 64 * 1024 * 1024;
const ONE = 8 * 1024 * 1024;

/** Readings of metadata, remembered; the least recently used go first. Who asks while one is under way waits for it. */
export class RangeCache {
  private readonly readings = new Map<string, { readonly bytes: Promise<Uint8Array>; readonly length: number }>();
  private held = 0;

  async get(key: string, length: number, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (length > ONE) return read();
    const known = this.readings.get(key);
    if (known !== undefined) {
      this.readings.delete(key); // a map keeps the order of insertion: this one becomes the newest
      this.readings.set(key, known);
      return known.bytes;
    }
    const bytes = read();
    this.readings.set(key, { bytes, length });
    this.held += length;
    bytes.catch(() => this.forget(key));
    this.shrink();
    return bytes;
  }

  private shrink(): void {
    for (const key of this.readings.keys()) {
      if (this.held <= LIMIT) return;
      this.forget(key);
    }
  }

  private forget(key: string): void {
    this.held -= this.readings.get(key)?.length ?? 0;
    this.readings.delete(key);
  }
}
