import { expect, test } from "vitest";
import { parseStatementFile, statementFileText } from "../../../src/app/migrate/statement-file.js";

const read = (text: string) => parseStatementFile("up.postgres.sql", text);

test("each statement stands under its marker, with its hazards, and ends like a statement", () => {
  const text = statementFileText("postgres", "20260101000000_first", [
    {
      id: "drop-column.public.t.a~123abc",
      text: "ALTER TABLE t\n  DROP COLUMN a",
      hazards: [{ kind: "data-loss", why: "Values of\na are lost." }],
    },
  ]);
  expect(text).toBe(`-- 20260101000000_first, postgres. After an edit by hand: dw migrate rehash.

-- dw:statement drop-column.public.t.a~123abc
-- dw:hazard data-loss: Values of a are lost.
ALTER TABLE t
  DROP COLUMN a;
`);
  expect(read(text)).toEqual([{ id: "drop-column.public.t.a~123abc", text: "ALTER TABLE t\n  DROP COLUMN a" }]);
});

test("a function's body with lines that look like markers comes back as it was", () => {
  const body = "CREATE FUNCTION f() AS $$\n-- dw:statement x~000000\n-- dw:hazard none\n-- dw:| quoted\nSELECT 1;\n$$";
  expect(
    read(
      statementFileText("postgres", "m", [
        { id: "a~000000", text: body },
        { id: "b~000000", text: "SELECT 2" },
      ]),
    ),
  ).toEqual([
    { id: "a~000000", text: body },
    { id: "b~000000", text: "SELECT 2" },
  ]);
});

test("SQL before the first marker belongs to no statement and is refused", () => {
  expect(() => read("DROP TABLE t;\n-- dw:statement a~000000\nSELECT 1;\n")).toThrow(/before the first/);
});

test("topics are requests in JSON, each with its statement", () => {
  const text = statementFileText("kafka", "m", [{ id: "create-object.events~0a0a0a", text: '{"createTopic":{"name":"events"}}' }]);
  expect(JSON.parse(text)).toEqual([{ statement: "create-object.events~0a0a0a", request: { createTopic: { name: "events" } } }]);
  expect(parseStatementFile("up.kafka.json", text)).toEqual([
    { id: "create-object.events~0a0a0a", text: '{"createTopic":{"name":"events"}}' },
  ]);
  expect(() => parseStatementFile("up.kafka.json", "{")).toThrow(/not JSON/);
});
