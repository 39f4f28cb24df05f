/* Growing and shrinking byte strings of the Kafka protocol (big-endian), https://kafka.apache.org/protocol. */

export class ByteWriter {
  private bytes = Buffer.alloc(256);
  private at = 0;

  /** May move the bytes: ask for the room before naming them. */
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
    const place = this.room(1);
    this.bytes.writeInt8(value, place);
  }

  private byte(value: number): void {
    const place = this.room(1);
    this.bytes[place] = value;
  }

  int16(value: number): void {
    const place = this.room(2);
    this.bytes.writeInt16BE(value, place);
  }

  int32(value: number): void {
    const place = this.room(4);
    this.bytes.writeInt32BE(value, place);
  }

  int64(value: bigint): void {
    const place = this.room(8);
    this.bytes.writeBigInt64BE(value, place);
  }

  /** Unsigned, seven bits a byte, the lowest first. */
  varint(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  raw(value: Uint8Array): void {
    const place = this.room(value.length);
    this.bytes.set(value, place);
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
