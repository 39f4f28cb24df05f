/** Thrown by a rule where the engine would stop; the statement then changes nothing. Caught by judge.ts alone. */
export class Refusal extends Error {
  constructor(
    readonly rule: string,
    message: string,
    readonly fix: string,
  ) {
    super(message);
  }
}

/** `rule` without its engine: `key-order`. */
export function refuse(rule: string, message: string, fix: string): never {
  throw new Refusal(`starrocks/${rule}`, message, fix);
}
