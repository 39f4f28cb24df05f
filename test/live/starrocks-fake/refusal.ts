/** What a front end answers to a statement that it does not take; texts and codes are the recorded ones. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly code = 1064,
    readonly sqlState = "HY000",
  ) {
    super(message);
  }
}

/** A statement that the fake does not know: no claim is made about what a front end would answer. */
export class Unclaimed extends Error {}

/** The prefix of what the analyser finds; the recorded texts end with a full stop more. */
export function analyzing(detail: string, code = 1064, sqlState = "HY000"): Refusal {
  return new Refusal(`Getting analyzing error. Detail message: ${detail}.`, code, sqlState);
}

export const unknownDatabase = (name: string): Refusal => analyzing(`Unknown database '${name}'`, 5501, "3F000");
export const unknownTable = (name: string): Refusal => analyzing(`Unknown table '${name}'`, 5502, "42602");
export const notFound = (name: string): Refusal => analyzing(`Table ${name} is not found`);
export const exists = (name: string): Refusal => new Refusal(`Table '${name}' already exists`, 1050, "42S01");
