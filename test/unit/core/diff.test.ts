import { expect, test } from "vitest";
import { type CatalogObject, catalogOf, fillHoles, objectId } from "../../../src/core/catalog.js";
import { diff } from "../../../src/core/diff.js";
import type { JsonObject } from "../../../src/core/json.js";

function table(name: string, body: JsonObject): CatalogObject {
  return {
    slot: "postgres",
    kind: "table",
    id: objectId("postgres", "table", ["public", name]),
    name: ["public", name],
    dependsOn: [],
    body,
  };
}

const column = (name: string, type: string): JsonObject => ({ name, type });

test("a retyped and an added column are two facts, named by column", () => {
  const from = catalogOf("w", [table("t", { columns: [column("a", "int"), column("b", "text")] })]);
  const to = catalogOf("w", [table("t", { columns: [column("a", "bigint"), column("b", "text"), column("c", "date")] })]);
  expect(diff(from, to)).toMatchObject([
    {
      change: "altered",
      facts: [
        { path: ["columns", "a", "type"], from: "int", to: "bigint" },
        { path: ["columns", "c"], from: undefined, to: { name: "c", type: "date" } },
      ],
    },
  ]);
});

test("a moved column is one fact about the order of the columns that both sides have", () => {
  const from = catalogOf("w", [table("t", { columns: [column("a", "int"), column("b", "int")] })]);
  const to = catalogOf("w", [table("t", { columns: [column("b", "int"), column("x", "int"), column("a", "int")] })]);
  const [change] = diff(from, to);
  expect(change).toMatchObject({ facts: [{ path: ["columns", "x"] }, { path: ["columns", "#order"], from: ["a", "b"], to: ["b", "a"] }] });
});

test("a column is renamed only where an intent says so, also in the key that names it", () => {
  const from = catalogOf("w", [table("t", { columns: [column("a", "int")], key: ["a"] })]);
  const to = catalogOf("w", [table("t", { columns: [column("b", "int")], key: ["b"] })]);
  const id = objectId("postgres", "table", ["public", "t"]);
  expect(diff(from, to)).toMatchObject([{ facts: [{ path: ["columns", "b"] }, { path: ["columns", "a"] }, { path: ["key"] }] }]);
  expect(diff(from, to, [{ rename: "column", id, from: "a", to: "b" }])).toMatchObject([{ facts: [], renamed: { columns: { a: "b" } } }]);
});

test("equal catalogs have no changes, whatever the order of keys", () => {
  const a = catalogOf("w", [table("t", { x: 1, y: { p: 1, q: [1, 2] } })]);
  const b = catalogOf("w", [table("t", { y: { q: [1, 2], p: 1 }, x: 1 })]);
  expect(diff(a, b)).toEqual([]);
});

test("a hole takes the environment's value, or the default's", () => {
  const body = { replication: { $env: { default: 3, dev: 1 } } };
  expect(fillHoles(body, "dev")).toEqual({ replication: 1 });
  expect(fillHoles(body, "prod")).toEqual({ replication: 3 });
  expect(fillHoles(body, "constructor")).toEqual({ replication: 3 });
});
