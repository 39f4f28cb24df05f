import { expect, test } from "vitest";
import { buildPlan, buildPlans, planFor, statementId } from "../../../src/core/build-plan.js";
import { type CatalogObject, catalogOf } from "../../../src/core/catalog.js";
import { toyEngine, toyTable } from "../../support/toy-engine.js";

const warehouse = (...objects: CatalogObject[]) => catalogOf("shop", objects);
const planners = () => toyEngine;

test("a plan says what is executed, with an id that names operation, object and column", () => {
  const plan = buildPlan(
    warehouse(toyTable("orders", { id: "integer", paid: "integer" })),
    warehouse(toyTable("orders", { id: "bigint" })),
    planners,
  );
  expect(plan.statements.map(({ id, text }) => [id.replace(/~[0-9a-f]{6}$/, "~######"), text])).toEqual([
    ["retype-column.public.orders.id~######", 'ALTER TABLE "public"."orders" ALTER COLUMN "id" TYPE bigint'],
    ["drop-column.public.orders.paid~######", 'ALTER TABLE "public"."orders" DROP COLUMN "paid"'],
  ]);
  expect(plan.statements[1]).toMatchObject({ slot: "postgres", operation: 1, hazards: [{ kind: "data-loss" }] });
});

test("the same change has the same ids every time, another type of the same column has another", () => {
  const ids = (type: string): string[] =>
    buildPlan(warehouse(toyTable("t", { a: "integer" })), warehouse(toyTable("t", { a: type })), planners).statements.map(({ id }) => id);
  expect(ids("bigint")).toEqual(ids("bigint"));
  expect(ids("bigint")).not.toEqual(ids("text"));
});

test("a hostile name stays on one line of an id and cannot look like another statement", () => {
  const object = { ...toyTable("x", {}), name: ["public", "a\n- data-loss@b c~d"] };
  expect(statementId({ op: "drop-object", object }, { text: "" })).toMatch(
    /^drop-object\.public\.a%0A-%20data-loss%40b%20c%7Ed~[0-9a-f]{6}$/,
  );
});

test("drops come before what is created, and a table that another depends on comes first", () => {
  const base = toyTable("z_base", { a: "integer" });
  const dependant = { ...toyTable("a_dependant", { a: "integer" }), dependsOn: [base.id] };
  const plan = buildPlan(warehouse(toyTable("old", { a: "integer" })), warehouse(base, dependant), planners);
  expect(plan.statements.map(({ id }) => id.split("~")[0])).toEqual([
    "drop-object.public.old",
    "create-object.public.z_base",
    "create-object.public.a_dependant",
  ]);
});

test("an environment that fills a hole differently has a plan of its own, the others share one", () => {
  const hole = { $env: { default: "integer", prod: "bigint" } };
  const plans = buildPlans(warehouse(), warehouse(toyTable("t", { a: hole })), planners);
  expect(Object.keys(plans)).toEqual(["default", "prod"]);
  expect(planFor(plans, "prod").statements[0]?.text).toBe('CREATE TABLE "public"."t" ("a" bigint)');
  expect(planFor(plans, "test").statements[0]?.text).toBe('CREATE TABLE "public"."t" ("a" integer)');
  expect(planFor(plans, "constructor").statements).toHaveLength(1);
});

test("a column keeps its values only where a rename is stated; otherwise it is dropped and added", () => {
  const from = warehouse(toyTable("t", { a: "integer" }));
  const to = warehouse(toyTable("t", { b: "integer" }));
  const words = (renames: Parameters<typeof buildPlan>[3]): string[] =>
    buildPlan(from, to, planners, renames).operations.map(({ op }) => op);
  expect(words([])).toEqual(["add-column", "drop-column"]);
  expect(words([{ rename: "column", id: "postgres:table:public.t", from: "a", to: "b" }])).toEqual(["rename-column"]);
});
