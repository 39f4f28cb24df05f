import { expect, test } from "vitest";
import { timescale } from "../../../src/engines/timescale/index.js";
import { catalogFor, planFor } from "../../live/proof-loop.js";
import { rebuildPairs } from "../../live/proof-pairs.js";

/** First lines of what a pair's plan executes, with the hazards. */
function plan(ending: string): string[] {
  const pair = rebuildPairs().find(({ name }) => name.endsWith(ending));
  if (pair === undefined) throw new Error(`no pair ends with ${ending}`);
  const statements = planFor(timescale, catalogFor(timescale, pair.from), catalogFor(timescale, pair.to), pair.renames);
  return statements.map(({ text, hazards }) => [...hazards.map(({ kind }) => kind), text.split("\n")[0]].join(" "));
}

test("a renamed column is renamed in the queries that read it, too: nothing is rebuilt", () => {
  expect(plan("a column is renamed that an aggregate and a view read")).toEqual(["ALTER TABLE public.p RENAME COLUMN n TO m"]);
});

test("views step aside from a column that changes its type, dependants first, and come back with comments and grants", () => {
  expect(plan("a type under a view").map((line) => line.replace(/dw\.grants_\w+/, "dw.grants_#"))).toEqual([
    "SELECT set_config('dw.grants_#', coalesce((",
    "DROP VIEW public.x",
    "SELECT set_config('dw.grants_#', coalesce((",
    "DROP VIEW public.w",
    "rewrites-table data-loss ALTER TABLE public.p ALTER COLUMN value TYPE real USING value::real",
    "CREATE VIEW public.w (",
    "COMMENT ON VIEW public.w IS 'w''s view'",
    "COMMENT ON COLUMN public.w.id IS 'i'",
    "COMMENT ON COLUMN public.w.value IS 'm'",
    "DO $dw$",
    "CREATE VIEW public.x (",
    "COMMENT ON VIEW public.x IS 'x''s view'",
    "COMMENT ON COLUMN public.x.id IS 'i'",
    "COMMENT ON COLUMN public.x.twice IS 'm'",
    "DO $dw$",
  ]);
});

test("a type under a columnstore and an aggregate is one rebuild, which says that values may be rounded", () => {
  const lines = plan("a type under columnstore, aggregate and policies");
  expect(lines[0]).toBe("rewrites-table blocks-writes data-loss DO $$");
  expect(lines.filter((line) => line.startsWith("ALTER TABLE") && line.includes("TYPE"))).toEqual([]);
  expect(lines.at(-1)).toMatch(/^DROP SCHEMA IF EXISTS public_p_\w+_dw_held$/);
});

test("an aggregate's new query loses the buckets whose source rows are gone, and says so before the swap", () => {
  const losing = plan("an aggregate's query changes under an aggregate and a view").filter((line) => line.startsWith("data-loss"));
  expect(losing).toHaveLength(1);
});
