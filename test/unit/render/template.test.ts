import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Sql } from "../../../src/core/sql.js";
import { compile, template, templateText } from "../../../src/render/template.js";

test("a misspelt hole is found, also where Handlebars would leave it empty", () => {
  expect(() => compile("t", "{{nmae}}", { name: "sql" })).toThrow("holes that nobody fills: nmae");
  expect(() => compile("t", "{{#if partition}}x{{/if}}", { partitions: "flag" })).toThrow("nobody fills: partition");
  expect(() => compile("t", "{{#each rows}}{{lime}}{{/each}}", { rows: [{ line: "sql" }] })).toThrow("nobody fills: rows.lime");
  expect(() => compile("t", "{{#each rows}}{{line}}{{/each}}", { rows: [{ line: "sql" }], name: "sql" })).toThrow("leaves out: name");
  expect(() => compile("t", "{{upper name}}", { name: "sql" })).toThrow();
  expect(() => compile("t", "{{#with name}}x{{/with}}", { name: "sql" })).toThrow("uses the block with");
});

test("nothing is escaped, and inside a list the outer holes are reached with ../", () => {
  const fill = compile("t", "{{#each rows}}{{../name}}={{line}}{{#unless @last}},{{/unless}}{{/each}}", {
    name: "text",
    rows: [{ line: "text" }],
  });
  expect(fill({ name: '`a"', rows: [{ line: "<1>" }, { line: "b='x'" }] })).toBe("`a\"=<1>,`a\"=b='x'");
});

test("a SQL hole takes only quoted Sql", () => {
  const fill = template("postgres/create-view.sql", { replace: "flag", name: "sql", columns: [{ name: "sql" }], query: "sql" });
  const quoted = Sql.trusted("v");
  expect(fill({ replace: true, name: quoted, columns: [{ name: quoted }], query: quoted })).toContain("CREATE OR REPLACE VIEW v");
  const raw = "x; DROP TABLE y" as unknown as Sql; // what the compiler already refuses
  expect(() => fill({ replace: true, name: raw, columns: [], query: quoted })).toThrow("wants sql");
});

test("every template of PostgreSQL and TimescaleDB parses", () => {
  const root = join(import.meta.dirname, "../../../templates");
  for (const engine of ["postgres", "timescale"]) {
    for (const file of readdirSync(join(root, engine))) expect(templateText(`${engine}/${file.replace(/\.hbs$/, "")}`)).not.toBe("");
  }
});
