import type { AnyCheck } from "../../../core/check-spec.js";

/** What a tool's file says about tables, as checks of dw. */
export interface FoundChecks {
  readonly checks: readonly FoundCheck[];
  /** What cannot be expressed, with the reason. */
  readonly unsaid: readonly UnsaidCheck[];
}

export interface FoundCheck {
  /** The table's name in the file. */
  readonly table: string;
  readonly spec: AnyCheck;
}

export interface UnsaidCheck {
  readonly table: string;
  readonly what: string;
  readonly why: string;
}

/** Collects while a file is read. */
export class Finding {
  readonly checks: FoundCheck[] = [];
  readonly unsaid: UnsaidCheck[] = [];

  constructor(readonly table: string) {}

  add(spec: AnyCheck | undefined, what: string, why: string): void {
    if (spec) this.checks.push({ table: this.table, spec });
    else this.unsaid.push({ table: this.table, what, why });
  }
}
