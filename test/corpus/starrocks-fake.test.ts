import { describe, expect, test } from "vitest";
import { FakeStarrocks, type Session } from "../live/starrocks-fake/fake.js";
import { Refusal, Unclaimed } from "../live/starrocks-fake/refusal.js";
import { parsed, type RecordedCase, type RecordedStatement, recordedCases } from "../support/starrocks-cases.js";

/*
 * The fake front end is believed only as far as it answers as the real one did: recorded statements are executed on it, and
 * verdict, code and SHOW CREATE compared. From the first statement of a case that it does not know, or that another session
 * sent, the rest of the case is not compared: its state may differ.
 */

interface Score {
  statements: number;
  claimed: number;
  readonly wrong: string[];
  texts: number;
  readonly wrongTexts: string[];
}

/** Objects that the front end keeps and the fake has not been asked about. */
const REPLAYED =
  /^\s*(CREATE (OR REPLACE )?(TABLE|VIEW|MATERIALIZED VIEW|DATABASE|INDEX)|ALTER (TABLE|VIEW|MATERIALIZED VIEW)|DROP (TABLE|VIEW|MATERIALIZED VIEW|DATABASE|INDEX))\b/i;
/** Statements that change nothing that the fake keeps. */
const HARMLESS = /^\s*(SHOW|DESC|SELECT|INSERT|EXPLAIN|REFRESH)\b/i;

function replay(recorded: RecordedCase, score: Score): void {
  const fake = new FakeStarrocks();
  const session: Session = { id: 1, database: recorded.db };
  fake.databases.set(recorded.db, new Map());
  for (const one of recorded.statements) {
    if (!REPLAYED.test(one.sql)) {
      if (HARMLESS.test(one.sql)) continue;
      return;
    }
    score.statements++;
    if (!compare(fake, session, recorded, one, score)) return;
  }
}

/** True when the fake's state is the front end's after the statement. */
function compare(fake: FakeStarrocks, session: Session, recorded: RecordedCase, one: RecordedStatement, score: Score): boolean {
  const { error } = one.result;
  if (one.session !== undefined || one.user !== undefined) return false;
  let code: number | undefined;
  try {
    fake.execute(one.sql, session);
  } catch (thrown) {
    if (thrown instanceof Unclaimed) return error !== undefined; // refused: nothing changed
    if (!(thrown instanceof Refusal)) throw thrown;
    code = thrown.code;
  }
  // Refusals beyond those that it knows are the lint's matter: the fake takes whatever it can read.
  if (error && code === undefined) return false;
  score.claimed++;
  if (code !== error?.code) score.wrong.push(`${recorded.id}: ${one.sql}: ${code ?? "accepted"} instead of ${error?.code ?? "accepted"}`);
  if (one.jobs_after || one.outcome === "job") fake.finishJobs();
  compareTexts(fake, session, recorded, one, score);
  return code === error?.code;
}

function compareTexts(fake: FakeStarrocks, session: Session, { id }: RecordedCase, one: RecordedStatement, score: Score): void {
  for (const [name, text] of Object.entries(one.show_create_changed ?? {})) {
    if (!/^CREATE TABLE/.test(text) || /^PARTITION BY LIST/m.test(text)) continue; // queries are rewritten by rules that the fake does not have
    score.texts++;
    const shown = shownOrNone(fake, session, name);
    if (shown !== text) score.wrongTexts.push(`${id} ${name} after ${one.sql}:\n${shown}\ninstead of\n${text}`);
  }
}

function shownOrNone(fake: FakeStarrocks, session: Session, name: string): string {
  try {
    return fake.showCreate(session, [name]);
  } catch (error) {
    return String(error);
  }
}

/** Tables that nothing altered after their CREATE: their last SHOW CREATE is that of the CREATE. */
function compareCreated(recorded: RecordedCase, score: Score): void {
  const { object, show_create: text } = recorded;
  const create = recorded.statements.filter((one) => one.result.ok && parsed(one.sql)?.statement === "create-table");
  const [only] = create.filter((one) => {
    const statement = parsed(one.sql);
    return statement && "name" in statement && statement.name.at(-1) === object?.name;
  });
  if (!only || recorded.kind !== "table" || typeof text !== "string" || recorded.statements.some(({ sql }) => /^\s*ALTER/i.test(sql)))
    return;
  const fake = new FakeStarrocks();
  const session: Session = { id: 1, database: recorded.db };
  fake.databases.set(recorded.db, new Map());
  try {
    fake.execute(only.sql, session);
  } catch (error) {
    if (error instanceof Unclaimed) return;
    throw error;
  }
  if (/^PARTITION BY LIST/m.test(text)) return; // listed in an order that is not known
  score.texts++;
  const shown = fake.showCreate(session, [object?.name ?? ""]);
  if (shown !== text) score.wrongTexts.push(`${recorded.id}:\n${shown}\ninstead of\n${text}`);
}

describe("the fake front end", () => {
  const score: Score = { statements: 0, claimed: 0, wrong: [], texts: 0, wrongTexts: [] };
  for (const recorded of recordedCases()) {
    replay(recorded, score);
    compareCreated(recorded, score);
  }
  process.stderr.write(
    `fake StarRocks: verdict and code of ${score.claimed - score.wrong.length} of ${score.claimed} recorded statements that it claims (${score.statements} replayed), ` +
      `SHOW CREATE of ${score.texts - score.wrongTexts.length} of ${score.texts}\n`,
  );

  test("takes and refuses what the recorded one did", () => {
    expect(score.wrong).toEqual([]);
  });

  test("shows tables as the recorded one did", () => {
    expect(score.wrongTexts).toEqual([]);
  });
});
