import { describe, expect, test } from "vitest";
import type { CatalogObject } from "../../../../src/core/catalog.js";
import type { Model } from "../../../../src/core/model.js";
import { catalogOfDdl } from "../../../../src/engines/starrocks/ddl-catalog.js";
import { starrocks } from "../../../../src/engines/starrocks/index.js";
import { defineExternalCatalog, defineTable, defineView, hash, sql, t } from "../../../../src/index.js";
import { starrocksCatalog } from "../ciapol.js";

/* Names and comments that try to be SQL: what is generated is read by our own parser, and says the same again. */

const texts: readonly (readonly [string, string])[] = [
  ["backticks", "a`; DROP TABLE b; --"],
  ["double quotes", 'say "hi"'],
  ["single quotes", "it's ''quoted''"],
  ["backslashes", "C:\\new\\table\\"],
  ["an escaped quote", '\\" OR 1=1 --'],
  ["a letter outside the BMP", "price 𝒳 \u{1F600}"],
  ["a reserved word", "select"],
  ["a comment", "/* a */ -- b"],
  ["a hundred characters", "x".repeat(100)],
  ["template holes", ["{{name}} $", "{name} $& %s"].join("")],
];

/** Only comments may hold these: a model's names have no control characters. */
const comments: readonly (readonly [string, string])[] = [
  ["newlines", "first\nsecond\r\nthird"],
  ["tabs", "a\tb"],
];

function hostile(name: string, comment: string): Model {
  return defineTable(name, {
    grain: comment,
    columns: { id: t.bigint(comment), [name]: t.varchar(40, comment).default(comment.slice(0, 40)) },
    key: ["id"],
    on: {
      starrocks: {
        table: "duplicate",
        distributeBy: hash(["id"], 2),
        indexes: [{ name: name.slice(0, 64), column: name, using: "bitmap", comment }],
        orderBy: [name],
      },
    },
  } as unknown as Parameters<typeof defineTable>[1]); // the column's name is not known to the compiler
}

function object(model: Model, ...others: readonly Model[]): CatalogObject {
  const found = starrocksCatalog([model, ...others]).objects.find((candidate) => candidate.model === model.name);
  if (!found) throw new Error(`${model.name} makes no object`);
  return found;
}

function again(made: CatalogObject): CatalogObject | undefined {
  const [statement] = starrocks.generate({ op: "create-object", object: made });
  const { objects } = catalogOfDdl({ text: `${statement?.text};`, source: "test", warehouse: "ciapol", database: "ciapol" });
  return objects.find(({ id }) => id === made.id);
}

describe.each([...texts, ...comments])("%s", (_, text) => {
  const name = comments.some(([, only]) => only === text) ? "plain" : text;

  test("a table keeps its names and comments", () => {
    const made = object(hostile(name, text));
    const read = again(made);
    expect(read && starrocks.normalize(read).body).toEqual(starrocks.normalize(made).body);
  });

  test("and lint finds nothing in them", () => {
    const target = { engine: "starrocks", version: "4.0", mode: "shared-data", backends: 3 } as const;
    expect(starrocks.lint(starrocksCatalog([hostile(name, text)]).objects, target)).toEqual([]);
  });

  test("a view over it reads the same column", () => {
    const table = hostile(name, text);
    const column = { ref: "column", model: name, column: name } as const;
    const view = defineView("over", {
      columns: { [name]: t.varchar(40, text) },
      comment: text,
      query: { starrocks: { ...sql.starrocks``, parts: ["SELECT ", column, " FROM ", { ref: "model", model: name }] } },
      on: { starrocks: {} },
    });
    const made = object(view, table);
    expect(again(made)?.body).toEqual({ ...made.body });
  });

  test("an external catalog's properties stay values", () => {
    const made = object(defineExternalCatalog("lake", { type: "hive", comment: text, properties: { "hive.metastore.uris": text } }));
    const [statement] = starrocks.generate({ op: "create-object", object: made });
    expect(statement?.text.split("PROPERTIES").length).toBe(text.includes("PROPERTIES") ? 3 : 2);
  });
});
