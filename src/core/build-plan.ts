import { createHash } from "node:crypto";
import { type Catalog, catalogEnvironments, catalogFor, compareText, displayName } from "./catalog.js";
import type { Rename } from "./change.js";
import { diff } from "./diff.js";
import type { Engine } from "./engine.js";
import { type Json, sameJson } from "./json.js";
import type { Operation } from "./operation.js";
import { order } from "./order.js";
import type { Plan, Statement, StatementBody } from "./plan.js";
import type { EngineName } from "./types.js";

/** What a plan needs of an engine. */
export type Planner = Pick<Engine, "decide" | "generate" | "weave" | "restore">;

export type Planners = (slot: EngineName) => Planner;

/** The way from one catalog to another: diff → decide → weave → order → generate, with ids. Catalogs have no holes any more. */
export function buildPlan(from: Catalog, to: Catalog, planners: Planners, renames: readonly Rename[] = []): Plan {
  const changes = diff(from, to, renames);
  const decided = changes.flatMap((change) => {
    const object = change.change === "removed" ? change.from : change.to;
    return planners(object.slot).decide(change);
  });
  const operations = order(woven(decided, from, to, planners));
  return { warehouse: to.warehouse, operations, statements: planStatements(operations, planners) };
}

function woven(operations: readonly Operation[], from: Catalog, to: Catalog, planners: Planners): Operation[] {
  const slots = new Set(operations.map(({ object }) => object.slot));
  return [...slots].flatMap((slot) => {
    const own = operations.filter(({ object }) => object.slot === slot);
    return planners(slot).weave?.(own, from, to) ?? own;
  });
}

/**
 * A plan for each environment that a hole names, where it differs from `default`, which serves all others. Plans differ in
 * more than values: a policy that only production has is a statement that only production runs.
 */
export function buildPlans(from: Catalog, to: Catalog, planners: Planners, renames: readonly Rename[] = []): EnvironmentPlans {
  const planIn = (environment: string): Plan => buildPlan(catalogFor(from, environment), catalogFor(to, environment), planners, renames);
  const plans: Record<string, Plan> = {};
  const common = planIn("default");
  const named = new Set([...catalogEnvironments(from), ...catalogEnvironments(to)]);
  for (const environment of [...named].sort(compareText)) {
    const plan = planIn(environment);
    if (!samePlan(plan, common)) plans[environment] = plan;
  }
  return { default: common, ...plans };
}

/** Plans by environment; `default` serves those that are not named. */
export type EnvironmentPlans = { readonly default: Plan } & { readonly [environment: string]: Plan };

export function planFor(plans: EnvironmentPlans, environment: string): Plan {
  return (Object.hasOwn(plans, environment) ? plans[environment] : undefined) ?? plans.default;
}

function samePlan(a: Plan, b: Plan): boolean {
  return sameJson(a as unknown as Json, b as unknown as Json); // a plan is JSON by construction: plan.json holds it
}

/** The statements of operations that are in order already. */
export function planStatements(operations: readonly Operation[], planners: Planners): Statement[] {
  const met = new Map<string, number>();
  return operations.flatMap((operation, index) =>
    planners(operation.object.slot)
      .generate(operation)
      .map((body): Statement => {
        const id = statementId(operation, body);
        const times = (met.get(id) ?? 0) + 1;
        met.set(id, times);
        const { slot, id: object } = operation.object;
        return { id: times === 1 ? id : `${id}.${times}`, slot, object, operation: index, ...body };
      }),
  );
}

/**
 * `<operation>.<object>[.<column>]~<6 hex digits>`: readable in a review, and different as soon as slot or text differ, so
 * that an approval cannot be carried over to another statement.
 */
export function statementId(operation: Operation, body: Pick<StatementBody, "text">): string {
  const { slot, name } = operation.object;
  const column = columnOf(operation);
  const stem = [operationWord(operation), displayName(name), ...(column === undefined ? [] : [displayName([column])])].join(".");
  return `${stem.replace(UNSAFE, encode)}~${textHash(`${slot}\n${body.text}`).slice(0, 6)}`;
}

/** What would need quoting in YAML, a comment line or a shell. */
const UNSAFE = /[^\p{L}\p{N}_.$-]/gu;

function encode(character: string): string {
  return [...new TextEncoder().encode(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

function operationWord(operation: Operation): string {
  return operation.op === "engine-action" && typeof operation.action.action === "string" ? operation.action.action : operation.op;
}

function columnOf(operation: Operation): string | undefined {
  switch (operation.op) {
    case "add-column":
    case "drop-column":
      return text(operation.column.name);
    case "retype-column":
      return text(operation.to.name);
    case "rename-column":
      return operation.from;
    case "set-nullable":
    case "set-default":
    case "set-comment":
      return operation.column;
    case "engine-action":
      return text(operation.action.column);
    default:
      return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** SHA-256 in hex of a text in UTF-8. */
export function textHash(value: string): string {
  return createHash("sha256").update(value, "utf8").digest("hex");
}
