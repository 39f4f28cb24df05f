/** What a refusal is about: a column of the table or a property, and where in the text the offending part stands. */
export interface Subject {
  readonly column?: string;
  readonly property?: string;
  /** An offset into the text. */
  readonly at?: number;
}

/** Thrown by a rule where the engine would stop; the statement then changes nothing. Caught by judge.ts alone. */
export class Refusal extends Error {
  constructor(
    readonly rule: string,
    message: string,
    readonly fix: string,
    readonly subject: Subject = {},
  ) {
    super(message);
  }
}

/** `rule` without its engine: `key-order`. */
export function refuse(rule: string, message: string, fix: string, subject: Subject = {}): never {
  throw new Refusal(`starrocks/${rule}`, message, fix, subject);
}

/** Whatever is refused inside is about this, unless it says something nearer. */
export function about<Answer>(subject: Subject, judge: () => Answer): Answer {
  try {
    return judge();
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal(error.rule, error.message, error.fix, { ...subject, ...error.subject });
    throw error;
  }
}
