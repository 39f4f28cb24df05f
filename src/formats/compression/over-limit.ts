/** The output would be larger than the caller allows: a decompression bomb, or a damaged length. */
export class OverLimit extends RangeError {
  constructor(
    /** What is too large, as a sentence begins: `A compressed block`. */
    readonly subject: string,
    /** Bytes. */
    readonly limit: number,
  ) {
    super(`${subject} is larger than ${limit} bytes`);
  }
}

export const overLimit = (limit: number): OverLimit => new OverLimit("A compressed block", limit);
