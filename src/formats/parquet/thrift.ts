/**
 * Writes the Thrift compact protocol, as far as Parquet's metadata needs it.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export class ThriftWriter {
  private readonly bytes: number[] = [];
  private last = 0;
  private readonly stack: number[] = [];

  /** Field header; ids must rise within a struct. */
  private field(id: number, type: number): void {
    const delta = id - this.last;
    if (delta > 0 && delta <= 15) this.bytes.push((delta << 4) | type);
    else {
      this.bytes.push(type);
      this.varint(id * 2);
    }
    this.last = id;
  }

  bool(id: number, value: boolean): void {
    this.field(id, value ? 1 : 2);
  }

  int8(id: number, value: number): void {
    this.field(id, 3);
    this.bytes.push(value & 0xff);
  }

  int32(id: number, value: number): void {
    this.field(id, 5);
    this.zigzag(value);
  }

  int64(id: number, value: number): void {
    this.field(id, 6);
    this.zigzag(value);
  }

  text(id: number, value: string): void {
    this.field(id, 8);
    this.rawText(value);
  }

  struct(id: number, write: () => void): void {
    this.field(id, 12);
    this.body(write);
  }

  structs<Item>(id: number, items: readonly Item[], write: (item: Item) => void): void {
    this.list(id, 12, items, (item) => this.body(() => write(item)));
  }

  texts(id: number, items: readonly string[]): void {
    this.list(id, 8, items, (item) => this.rawText(item));
  }

  int32s(id: number, items: readonly number[]): void {
    this.list(id, 5, items, (item) => this.zigzag(item));
  }

  finish(): Uint8Array {
    this.bytes.push(0);
    return Uint8Array.from(this.bytes);
  }

  private list<Item>(id: number, type: number, items: readonly Item[], write: (item: Item) => void): void {
    this.field(id, 9);
    if (items.length < 15) this.bytes.push((items.length << 4) | type);
    else {
      this.bytes.push(0xf0 | type);
      this.varint(items.length);
    }
    for (const item of items) write(item);
  }

  private body(write: () => void): void {
    this.stack.push(this.last);
    this.last = 0;
    write();
    this.bytes.push(0);
    this.last = this.stack.pop() ?? 0;
  }

  private rawText(value: string): void {
    const utf8 = new TextEncoder().encode(value);
    this.varint(utf8.length);
    for (const byte of utf8) this.bytes.push(byte);
  }

  private zigzag(value: number): void {
    this.varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  private varint(value: number): void {
    let left = value;
    while (left >= 128) {
      this.bytes.push((left % 128) | 128);
      left = Math.floor(left / 128);
    }
    this.bytes.push(left);
  }
}
