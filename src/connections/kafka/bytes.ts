/* Growing and shrinking byte strings of the Kafka protocol (big-endian), https://kafka.apache.org/protocol. */

export class ByteWriter {
  private bytes = Buffer.alloc(256);
  private at = 0;

  private room(size: number): number {
    if (this.at + size > this.bytes.length) {
      const wider = Buffer.alloc(Math.max(this.bytes.length * 2, this.at + size));
      this.bytes.copy(wider, 0, 0, this.at);
      this.bytes = wider;
    }
    const place = this.at;
    this.at += size;
    return place;
  }

  int8(value: number): void {
    this.bytes.writeInt8(value, this.room(1));
  }

  int16(value: number): void {
    this.bytes.writeInt16BE(value, this.room(2));
  }

  int32(value: number): void {
    this.bytes.writeInt32BE(value, this.room(4));
  }

  int64(value: bigint): void {
    this.bytes.writeBigInt64BE(value, this.room(8));
  }

  /** Unsigned, seven bits a byte, the lowest first. */
  varint(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.bytes[this.room(1)] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.room(1)] = rest;
  }

  raw(value: Uint8Array): void {
    this.bytes.set(value, this.room(value.length));
  }

  done(): Buffer {
    return this.bytes.subarray(0, this.at);
  }
}

/** Throws RangeError where the bytes end too early: an answer that is no answer of the protocol. */
export class ByteReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  private place(size: number): number {
    const place = this.at;
    if (size < 0 || place + size > this.bytes.length) throw new RangeError(`the answer ends after ${this.bytes.length} bytes`);
    this.at += size;
    return place;
  }

  int8(): number {
    return this.bytes.readInt8(this.place(1));
  }

  int16(): number {
    return this.bytes.readInt16BE(this.place(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.place(4));
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.place(8));
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes.readUInt8(this.place(1));
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError("a variable-length number has more than five bytes");
  }

  raw(size: number): Buffer {
    const place = this.place(size);
    return this.bytes.subarray(place, place + size);
  }
}
