import { buildPlan, type Planners, planStatements } from "../../core/build-plan.js";
import { type Catalog, type CatalogObject, catalogOf, type ObjectId } from "../../core/catalog.js";
import { DwError, isDwError } from "../../core/errors.js";
import type { Operation } from "../../core/operation.js";
import type { Plan, Statement } from "../../core/plan.js";
import type { Lease, StatementState, StateStore } from "../../core/state.js";
import type { EngineName } from "../../core/types.js";
import { differenceLines } from "../../present/difference.js";
import { adopt, adoptedObjects, foundAlready, sparedBy } from "./adopted.js";
import { compareLive, type LiveSlot, type LiveSlots } from "./live.js";

/*
 * One migration on one environment. A statement is journalled before and after; what a crash left in between is decided by
 * looking at the engine, never by assuming.
 */

/** One migration met by one environment: no holes, and its own plan. */
export interface Step {
  /** The migration's id; its journal stands under it. */
  readonly id: string;
  readonly before: Catalog;
  readonly after: Catalog;
  readonly plan: Plan;
  /** What is executed here, in this order: see executedStatements. */
  readonly statements: readonly Statement[];
}

export interface Surroundings {
  readonly warehouse: string;
  readonly slots: LiveSlots;
  readonly planners: Planners;
  readonly store: StateStore;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** The statements that this environment executes: the plan's own, an emulated slot's in its stand-in's words, none of an unbound slot. */
export function executedStatements(plan: Plan, slots: LiveSlots): Statement[] {
  return plan.operations.flatMap((operation, index) => {
    const slot = slots.get(operation.object.slot);
    if (!slot) return [];
    if (slot.emulate) return emulated(operation, index, slot.emulate);
    return plan.statements.filter((statement) => statement.operation === index);
  });
}

function emulated(operation: Operation, index: number, emulate: NonNullable<LiveSlot["emulate"]>): Statement[] {
  const generate = (one: Operation) => [...emulate(one)];
  const planner = { decide: () => [], generate };
  return planStatements([operation], () => planner).map((statement) => ({ ...statement, operation: index }));
}

/** Slots of a plan that nothing serves in this environment. */
export function unboundSlots(plan: Plan, slots: LiveSlots): EngineName[] {
  return [...new Set(plan.operations.map((operation) => operation.object.slot))].filter((slot) => !slots.has(slot)).sort();
}

/** Objects that a plan touches, under their names before and after. */
export function touched(plan: Plan): Set<ObjectId> {
  return new Set(plan.operations.flatMap(objectsOf).map((object) => object.id));
}

function objectsOf(operation: Operation): CatalogObject[] {
  const along = operation.op === "rebuild-object" ? (operation.with ?? []).flatMap(({ from, object }) => [from, object]) : [];
  return "from" in operation && isObject(operation.from) ? [operation.from, operation.object, ...along] : [operation.object];
}

function isObject(value: unknown): value is CatalogObject {
  return typeof value === "object" && value !== null && "slot" in value && "id" in value && "body" in value;
}

/**
 * Throws DW-TARGET-MOVED when a touched object is not as the plan expects it before its first statement. Objects that a
 * resumed run already worked on are left out: they are between two states by intention.
 */
export async function proveBefore(step: Step, around: Surroundings, worked: ReadonlySet<ObjectId> = new Set()): Promise<void> {
  const found = new Set(await foundAlready(step.plan, around.slots, around.warehouse));
  const ids = new Set([...touched(step.plan)].filter((id) => !worked.has(id) && !found.has(id)));
  const { differences } = await compareLive(around.slots, step.before, ids, step.after.objects);
  if (differences.length === 0) return;
  throw new DwError("DW-TARGET-MOVED", {
    what: `${step.id} starts from another state than the live one:\n${differenceLines(differences)
      .map((line) => `  ${line}`)
      .join("\n")}`,
    why: "Somebody or something changed these objects outside of dw; a plan that was reviewed for one state is not executed on another. Nothing was changed.",
    fix: "Bring them back by hand, or take the change over into the models; `dw migrate verify` shows the whole difference, `dw migrate baseline` adopts what exists.",
  });
}

/** Throws DW-DRIFT when a touched object is not what the migration makes. What is not ours to drop is left out. */
export async function proveAfter(step: Step, around: Surroundings, spared: ReadonlySet<ObjectId> = new Set()): Promise<void> {
  const ids = new Set([...touched(step.plan)].filter((id) => !spared.has(id)));
  const { differences } = await compareLive(around.slots, step.after, ids, step.before.objects);
  if (differences.length === 0) return;
  throw new DwError("DW-DRIFT", {
    what: `After ${step.id} the live objects are not what it makes:\n${differenceLines(differences)
      .map((line) => `  ${line}`)
      .join("\n")}`,
    why: "Every statement was executed; either somebody changes the objects at the same time, or dw misreads this engine. The migration is not marked as applied.",
    fix: "Look at the objects; when they are as the migration says, `dw migrate up` marks it without executing anything again.",
  });
}

/** Executes what of a step is not done yet, all but what is held, and proves the result. Answers the number of statements executed. */
export async function executeStep(step: Step, around: Surroundings, lease: Lease): Promise<number> {
  const states = await settledStates(step, around, lease);
  const worked = step.statements.filter((statement) => states.get(statement.id) === "done").map((statement) => statement.object);
  await proveBefore(step, around, withAliases(step.plan, worked));
  const others = await othersObjects(step, around, new Set(worked));
  const open = step.statements.filter((statement) => !statement.held && states.get(statement.id) !== "done");
  const [left, ours] = [open.filter(({ object }) => others.has(object)), open.filter(({ object }) => !others.has(object))];
  await write(step, left, "done", around, lease, "it was there before dw: left as it is");
  await executeBatches(step, ours, around, lease);
  await proveAfter(step, around, sparedBy(step.plan, others));
  return ours.length;
}

/** Containers that the step would make and are there, now remembered as not ours; and those that it would drop and are not. */
async function othersObjects(step: Step, around: Surroundings, worked: ReadonlySet<ObjectId>): Promise<ReadonlySet<ObjectId>> {
  const { slots, store, warehouse, say } = around;
  const found = (await foundAlready(step.plan, slots, warehouse)).filter((id) => !worked.has(id));
  await adopt(store, warehouse, found);
  const spared = sparedBy(step.plan, await adoptedObjects(store, warehouse));
  for (const id of found) say(`${step.id}: ${id} is there already, as it should be: it is used, and never dropped`);
  for (const id of spared) say(`${step.id}: ${id} was there before dw: it stays`);
  return new Set([...found, ...spared]);
}

/** Executes statements of a step, each run of transactional ones as a whole, with their journal. */
export async function executeBatches(step: Step, open: readonly Statement[], around: Surroundings, lease: Lease): Promise<void> {
  const chosen = new Set(open);
  const of = step.statements.length;
  let executed = 0;
  for (const whole of batches(step.statements)) {
    const batch = whole.filter((statement) => chosen.has(statement));
    if (batch.length === 0) continue;
    around.signal.throwIfAborted();
    await executeBatch(step, batch, around, lease, { done: of - open.length + executed, of });
    executed += batch.length;
  }
}

/** An object that is renamed was worked on under both names. */
function withAliases(plan: Plan, worked: readonly ObjectId[]): Set<ObjectId> {
  const ids = new Set(worked);
  for (const operation of plan.operations) {
    const names = objectsOf(operation).map((object) => object.id);
    if (names.some((id) => ids.has(id))) for (const id of names) ids.add(id);
  }
  return ids;
}

/**
 * Runs of transactional statements of one slot are one transaction; every other statement stands alone. What may be repeated
 * is not mixed with what may not, because a crash leaves a transaction undecided as a whole.
 */
function batches(statements: readonly Statement[]): Statement[][] {
  const result: Statement[][] = [];
  for (const statement of statements) {
    const last = result.at(-1)?.at(-1);
    if (last !== undefined && areTogether(last, statement)) result.at(-1)?.push(statement);
    else result.push([statement]);
  }
  return result;
}

function areTogether(a: Statement, b: Statement): boolean {
  return a.transactional && b.transactional && a.slot === b.slot && a.repeatable === b.repeatable && a.held === b.held;
}

interface Progress {
  readonly done: number;
  readonly of: number;
}

async function executeBatch(
  step: Step,
  batch: readonly Statement[],
  around: Surroundings,
  lease: Lease,
  progress: Progress,
): Promise<void> {
  const slot = batch[0] && around.slots.get(batch[0].slot);
  if (!slot) throw new Error("a batch of a slot that nothing serves");
  await write(step, batch, "started", around, lease);
  try {
    for (const { id } of batch) around.say(`${step.id}: ${id}`);
    await slot.run(batch, around.signal, around.say);
  } catch (error) {
    // After a lost connection or an interruption nobody knows whether it was executed: it stays `started`.
    if (isDwError(error) && error.errorClass === "refused") await write(step, batch, "failed", around, lease, error.what);
    throw isDwError(error) ? withProgress(error, step, batch, progress) : error;
  }
  await write(step, batch, "done", around, lease);
}

function withProgress(error: DwError, step: Step, batch: readonly Statement[], { done, of }: Progress): DwError {
  const together = batch.length > 1 ? ` The ${batch.length} statements of its transaction were rolled back.` : "";
  return new DwError(error.code, {
    what: `${step.id}: ${error.what}`,
    why: `${error.why}\n${done} of ${of} statements are done.${together}`,
    fix: `${error.fix} Then run \`dw migrate\` again: it goes on with the statement that is missing.`,
    cause: error,
  });
}

async function write(
  step: Step,
  batch: readonly Statement[],
  state: StatementState,
  around: Surroundings,
  lease: Lease,
  message?: string,
): Promise<void> {
  if (batch.length === 0) return;
  const entries = batch.map((statement) => ({
    warehouse: around.warehouse,
    migration: step.id,
    statement: statement.id,
    state,
    ...(message !== undefined && { message }),
  }));
  await around.store.record(lease, entries);
}

/** State of each statement that an earlier run reached, with nothing left at `started`: done, failed, or absent. */
export async function settledStates(step: Step, around: Surroundings, lease: Lease): Promise<Map<string, StatementState>> {
  const states = new Map<string, StatementState>();
  for (const entry of await around.store.journal(around.warehouse, step.id)) states.set(entry.statement, entry.state);
  for (const batch of batches(step.statements)) {
    const undecided = batch.filter((statement) => states.get(statement.id) === "started");
    if (undecided.length === 0) continue;
    const happened = await didHappen(step, undecided, around);
    for (const { id } of undecided) states.set(id, happened ? "done" : "failed");
    await write(step, undecided, happened ? "done" : "failed", around, lease, `decided by looking at ${undecided[0]?.slot}`);
    around.say(`${step.id}: ${undecided.length} statements of an interrupted run ${happened ? "were executed" : "were not executed"}`);
  }
  return states;
}

/** Whether an undecided batch was executed, by what the engine holds now. */
async function didHappen(step: Step, batch: readonly Statement[], around: Surroundings): Promise<boolean> {
  if (batch.every((statement) => statement.repeatable)) return false; // to run it again is safe, to leave it out is not
  const ids = withAliases(
    step.plan,
    batch.map((statement) => statement.object),
  );
  const looked = [...step.before.objects, ...step.after.objects];
  const after = await compareLive(around.slots, step.after, ids, looked);
  if (after.differences.length === 0) return true;
  const before = await compareLive(around.slots, step.before, ids, looked);
  if (before.differences.length === 0) return false;
  return decideByPlanning(step, batch, ids, around);
}

/** Between the two states: what planning from the live objects would still execute did not happen. */
async function decideByPlanning(
  step: Step,
  batch: readonly Statement[],
  ids: ReadonlySet<ObjectId>,
  around: Surroundings,
): Promise<boolean> {
  const slot = batch[0] && around.slots.get(batch[0].slot);
  if (!slot) throw new Error("a batch of a slot that nothing serves");
  const own = (object: CatalogObject): boolean => object.slot === slot.slot && ids.has(object.id);
  const wanted = step.after.objects.filter(own);
  const { catalog } = await slot.introspect(around.warehouse, catalogOf(around.warehouse, [...wanted, ...step.before.objects.filter(own)]));
  const live = catalogOf(around.warehouse, catalog.objects.filter(own).map(slot.normalize));
  const rest = buildPlan(live, catalogOf(around.warehouse, wanted.map(slot.normalize)), around.planners);
  const outstanding = new Set(executedStatements(rest, around.slots).map((statement) => statement.text));
  const missing = batch.filter((statement) => outstanding.has(statement.text));
  if (missing.length === batch.length) return false;
  if (missing.length === 0) return true;
  throw new DwError("DW-TARGET-MOVED", {
    what: `${step.id} was interrupted, and whether these statements were executed cannot be told:\n${batch.map(({ id }) => `  ${id}`).join("\n")}`,
    why: "The live object is neither in the state before them nor in the state after them.",
    fix: "Compare it with `dw migrate verify`, bring it to one of the two by hand, and run `dw migrate` again.",
  });
}
