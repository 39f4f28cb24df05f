import { corrupt } from "./failure.js";

/*
 * The part of Protocol Buffers that ORC's metadata needs: varints, length-delimited fields, fixed32 and fixed64.
 * https://protobuf.dev/programming-guides/encoding/
 */

export type FieldReader = (field: number, reader: ProtobufReader, wire: number) => void;

/** Reads one message's fields in turn; a field that nobody takes is skipped. */
export class ProtobufReader {
  private position = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** Calls `take` at each field; `take` reads its value with exactly one of the methods below, or leaves it. */
  fields(take: FieldReader): void {
    while (this.position < this.bytes.length) {
      const key = this.varint();
      const wire = key % 8;
      const before = this.position;
      take(Math.floor(key / 8), this, wire);
      if (this.position === before) this.skip(wire);
    }
  }

  /** An unsigned varint up to 2^53; larger values are corrupt here (ORC's lengths and counts never are that large). */
  varint(): number {
    const value = this.bigVarint();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt("a length in its metadata exceeds 2^53");
    return Number(value);
  }

  bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw corrupt("a varint in its metadata is longer than 10 bytes");
  }

  /** sint64: zigzag. */
  signed(): bigint {
    const value = this.bigVarint();
    return (value >> 1n) ^ -(value & 1n);
  }

  double(): number {
    const at = this.take(8);
    return new DataView(at.buffer, at.byteOffset, 8).getFloat64(0, true);
  }

  chunk(): Uint8Array {
    return this.take(this.varint());
  }

  text(): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.chunk());
  }

  message(): ProtobufReader {
    return new ProtobufReader(this.chunk());
  }

  /** A repeated varint, packed or not. */
  packed(wire: number, push: (value: number) => void): void {
    if (wire !== 2) {
      push(this.varint());
      return;
    }
    const inner = this.message();
    while (inner.position < inner.bytes.length) push(inner.varint());
  }

  private skip(wire: number): void {
    if (wire === 0) this.bigVarint();
    else if (wire === 1) this.take(8);
    else if (wire === 2) this.chunk();
    else if (wire === 5) this.take(4);
    else throw corrupt(`its metadata has an unknown wire type ${wire}`);
  }

  private byte(): number {
    const byte = this.bytes[this.position];
    if (byte === undefined) throw corrupt("its metadata ends in the middle of a value");
    this.position++;
    return byte;
  }

  private take(length: number): Uint8Array {
    if (length > this.bytes.length - this.position) throw corrupt("its metadata ends in the middle of a field");
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }
}
