import { type Catalog, type CatalogObject, compareText, type ObjectId } from "../../core/catalog.js";
import { renameColumns } from "../../core/diff.js";
import { type JsonObject, sameJson } from "../../core/json.js";
import type { Along, Operation } from "../../core/operation.js";
import type { GrantBody } from "./body.js";
import { derivedName, quoting } from "./dialect.js";
import { readsColumn, redirected } from "./reads.js";

/*
 * PostgreSQL refuses to retype or drop a column that a view reads, and to drop what a view reads: a view is bound to tables
 * and columns, not to their names. So dependants step aside and come back in the same transaction, or, where they hold rows
 * (a continuous aggregate), are rebuilt beside the old ones and swapped together with their table.
 */

type RebuildOperation = Extract<Operation, { op: "rebuild-object" }>;

interface Weaving {
  readonly operations: readonly Operation[];
  /** Objects of this slot before, by the id that they have before. */
  readonly before: ReadonlyMap<ObjectId, CatalogObject>;
  readonly after: ReadonlyMap<ObjectId, CatalogObject>;
  /** Id afterwards of an object that is renamed. */
  readonly movedTo: ReadonlyMap<ObjectId, ObjectId>;
}

export function weave(operations: readonly Operation[], before: Catalog, after: Catalog): Operation[] {
  const weaving: Weaving = {
    operations,
    before: new Map(before.objects.map((object) => [object.id, object])),
    after: new Map(after.objects.map((object) => [object.id, object])),
    movedTo: new Map(
      operations.flatMap((operation) => (operation.op === "rename-object" ? [[operation.from.id, operation.object.id]] : [])),
    ),
  };
  return [followTypes, followRights, followRenames, escalate, swapTogether, dropLate, stepAside].reduce(
    (woven, step) => step({ ...weaving, operations: woven }),
    [...operations],
  );
}

const idAfter = ({ movedTo }: Weaving, id: ObjectId): ObjectId => movedTo.get(id) ?? id;

function objectAfter(weaving: Weaving, object: CatalogObject): CatalogObject | undefined {
  return weaving.after.get(idAfter(weaving, object.id));
}

function operationsOn({ operations }: Weaving, id: ObjectId): Operation[] {
  return operations.filter((operation) => operation.object.id === id);
}

const FOLLOWS: ReadonlySet<string> = new Set(["view", "materialized-view", "continuous-aggregate"]);

/** What is bound to an object and stays: views of all kinds and, with `referring`, tables whose foreign keys name it. */
function directDependants(weaving: Weaving, id: ObjectId, referring = false): CatalogObject[] {
  return [...weaving.before.values()].filter(
    (object) =>
      object.id !== id &&
      object.dependsOn.includes(id) &&
      (FOLLOWS.has(object.kind) || (referring && object.kind === "table")) &&
      objectAfter(weaving, object) !== undefined,
  );
}

/** Transitively, what is depended on first. */
function dependants(weaving: Weaving, roots: readonly CatalogObject[], referring = false): CatalogObject[] {
  const found = new Map<ObjectId, CatalogObject>();
  const visit = (object: CatalogObject): void => {
    if (found.has(object.id)) return;
    found.set(object.id, object);
    if (FOLLOWS.has(object.kind)) directDependants(weaving, object.id, referring).forEach(visit);
  };
  roots.forEach(visit);
  return inDependencyOrder(found);
}

function inDependencyOrder(objects: ReadonlyMap<ObjectId, CatalogObject>): CatalogObject[] {
  const sorted = new Set<CatalogObject>();
  const visit = (object: CatalogObject): void => {
    if (sorted.has(object)) return;
    for (const id of object.dependsOn) {
      const needed = objects.get(id);
      if (needed !== undefined && needed !== object) visit(needed);
    }
    sorted.add(object);
  };
  for (const id of [...objects.keys()].sort()) visit(objects.get(id) as CatalogObject); // the key is the map's own
  return [...sorted];
}

function queryOf({ body }: CatalogObject): string {
  return typeof body.query === "string" ? body.query : "";
}

/** A column's name before, from its name afterwards. */
function nameBefore(weaving: Weaving, id: ObjectId, column: string): string {
  const rename = operationsOn(weaving, id).find((operation) => operation.op === "rename-column" && operation.to === column);
  return rename?.op === "rename-column" ? rename.from : column;
}

function idBefore({ movedTo }: Weaving, id: ObjectId): ObjectId {
  return [...movedTo].find(([, to]) => to === id)?.[0] ?? id;
}

/** Names before of the columns that an operation retypes or drops in place. */
function touchedColumn(weaving: Weaving, operation: Operation): string | undefined {
  if (operation.op === "retype-column") return nameBefore(weaving, operation.object.id, String(operation.to.name));
  return operation.op === "drop-column" ? String(operation.column.name) : undefined;
}

function readers(weaving: Weaving, operation: Operation): CatalogObject[] {
  const column = touchedColumn(weaving, operation);
  if (column === undefined) return [];
  return directDependants(weaving, idBefore(weaving, operation.object.id)).filter((object) => readsColumn(queryOf(object), column));
}

const isAggregate = ({ kind }: CatalogObject): boolean => kind === "continuous-aggregate";

const OLD_TYPE = "dw_old";

type Retype = Extract<Operation, { op: "retype-column" }>;

/**
 * An enum that loses a value is another type: the old one is called otherwise, columns change from it to the new one, and it
 * goes when nothing has it any more. A type that is only renamed takes its columns along.
 */
function followTypes(weaving: Weaving): Operation[] {
  const moved = new Map(
    weaving.operations.flatMap((operation) =>
      operation.op === "rename-object" && operation.object.kind === "enum"
        ? [[typeText(operation.from.name), typeText(operation.object.name)] as const]
        : [],
    ),
  );
  const others = weaving.operations.filter((operation) => !(operation.op === "retype-column" && isRenamed(moved, operation)));
  const rebuilds = others.flatMap((operation) =>
    operation.op === "rebuild-object" && operation.object.kind === "enum" ? [operation] : [],
  );
  return rebuilds.reduce((operations, rebuild) => exchanged({ ...weaving, operations }, rebuild), others);
}

function typeText(name: readonly string[]): string {
  return name.map(quoting.ident).join(".");
}

function isRenamed(moved: ReadonlyMap<string, string>, { from, to }: Retype): boolean {
  const bare = (type: unknown): string => String(type).replace(/(\[\])+$/, "");
  return moved.get(bare(from.type)) === bare(to.type);
}

/** A type that is exchanged for another of its name. */
interface Exchange {
  readonly has: (text: unknown) => boolean;
  /** The old type, by the name that it has until it goes. */
  readonly old: (text: string) => string;
}

function exchanged(weaving: Weaving, rebuild: RebuildOperation): Operation[] {
  const { from, object } = rebuild;
  const [schema = "", name = ""] = object.name;
  const old: CatalogObject = { ...from, name: [schema, derivedName([name], OLD_TYPE)], id: `${from.id}_${OLD_TYPE}` };
  const type = typeText(object.name);
  const exchange: Exchange = {
    has: (text) => text === type || text === `${type}[]`,
    old: (text) => text.replace(type, () => typeText(old.name)),
  };
  const retypes = exchangedColumns(weaving, object, exchange);
  const frozen = new Map(
    retypes.flatMap((retype) => (retype.object.body.columnstore === undefined ? [] : [[retype.object.id, retype.object]])),
  );
  const functions = [...weaving.before.values()].filter((one) => one.kind === "function" && one.dependsOn.includes(from.id));
  const bound = new Set(functions.map(({ id }) => id));
  const others = weaving.operations.filter((operation) => operation !== rebuild && !bound.has(operation.object.id));
  const made = new Set(others.flatMap(({ op, object: other }) => (op === "rebuild-object" ? [other.id] : [])));
  const operations: Operation[] = [
    ...others,
    { op: "engine-action", object, action: { action: "rename-type", from: name, to: old.name[1] ?? "" } },
    { op: "create-object", object },
    ...functions.flatMap((one) => functionAgain(weaving, one, exchange, rebuild.why)),
    ...retypes.filter((retype) => !made.has(retype.object.id) && !frozen.has(retype.object.id)),
    { op: "drop-object", object: old, late: true },
  ];
  const why = `No type changes in a hypertable with a columnstore, and ${type} does.`;
  const all = [...frozen.keys()].reduce((woven, id) => rebuilt({ ...weaving, operations: woven }, id, why), operations);
  return all.map((operation) =>
    operation.op === "rebuild-object" && operation.object.kind === "table"
      ? { ...operation, from: withOldType(operation.from, exchange) }
      : operation,
  );
}

function exchangedColumns(weaving: Weaving, type: CatalogObject, { has, old }: Exchange): Retype[] {
  const tables = [...weaving.after.values()].filter(({ kind, dependsOn }) => kind === "table" && dependsOn.includes(type.id));
  return tables.flatMap((table) => {
    const then = weaving.before.get(idBefore(weaving, table.id));
    const had = (column: JsonObject): boolean => {
      const name = nameBefore(weaving, table.id, String(column.name));
      return ((then?.body.columns ?? []) as readonly JsonObject[]).some((one) => one.name === name && has(one.type)); // a table's columns
    };
    const columns = (table.body.columns as readonly JsonObject[]).filter((column) => has(column.type) && had(column)); // as above
    return columns.map(
      (column): Retype => ({ op: "retype-column", object: table, from: { ...column, type: old(String(column.type)) }, to: column }),
    );
  });
}

/** A function is bound to the types that it takes and gives. */
function functionAgain(weaving: Weaving, before: CatalogObject, { has, old }: Exchange, why: string): Operation[] {
  const object = objectAfter(weaving, before);
  const parameters = (before.body.arguments as readonly JsonObject[]).map((one) =>
    has(one.type) ? { ...one, type: old(String(one.type)) } : one,
  ); // of a function
  const from = { ...before, body: { ...before.body, arguments: parameters } };
  return object === undefined ? [{ op: "drop-object", object: from }] : [{ op: "rebuild-object", from, object, why }];
}

function withOldType(table: CatalogObject, { has, old }: Exchange): CatalogObject {
  const columns = (table.body.columns as readonly JsonObject[]).map((column) =>
    has(column.type) ? { ...column, type: old(String(column.type)) } : column,
  );
  return { ...table, body: { ...table.body, columns } };
}

/** Rights go with what they are on: a renamed table keeps them, a dropped one takes them along. */
function followRights(weaving: Weaving): Operation[] {
  return weaving.operations.map(
    (operation): Operation =>
      operation.op === "replace-object" && operation.object.kind === "role"
        ? { ...operation, from: rightsKept(weaving, operation.from) }
        : operation,
  );
}

function rightsKept(weaving: Weaving, role: CatalogObject): CatalogObject {
  const grants = (role.body.grants as readonly GrantBody[]).flatMap((grant): GrantBody[] => {
    const was = weaving.before.get(grant.object);
    const now = was && weaving.after.get(idAfter(weaving, grant.object));
    if (was === undefined) return [grant];
    return now === undefined ? [] : [grantFollowing(weaving, grant, was, now)]; // a dropped one has taken its rights along
  });
  return { ...role, body: { ...role.body, grants } };
}

function grantFollowing(weaving: Weaving, grant: GrantBody, was: CatalogObject, now: CatalogObject): GrantBody {
  const follow = (text: string): string => text.replace(typeText(was.name), () => typeText(now.name));
  const bracketed = (column: string): string => `(${quoting.ident(column)})`;
  const renames = operationsOn(weaving, now.id).flatMap((one) => (one.op === "rename-column" ? [one] : []));
  const columns = new Map(renames.map(({ from, to }) => [bracketed(from), bracketed(to)]));
  const privileges = grant.privileges.map((privilege) => privilege.replace(/\(.*\)$/, (column) => columns.get(column) ?? column));
  return { ...grant, name: follow(grant.name), on: follow(grant.on), object: now.id, privileges: privileges.sort(compareText) };
}

/** The engine renames a column in the queries that read it: a query that differs by nothing else needs no statement. */
function followRenames(weaving: Weaving): Operation[] {
  const renames = weaving.operations.flatMap((operation) => (operation.op === "rename-column" ? [operation] : []));
  return weaving.operations.filter((operation) => {
    if (operation.op !== "rebuild-object" && operation.op !== "replace-object") return true;
    const before = weaving.before.get(idBefore(weaving, operation.object.id));
    if (before === undefined || !FOLLOWS.has(before.kind)) return true;
    const own = renames.filter(({ object }) => before.dependsOn.includes(idBefore(weaving, object.id)));
    const names = new Map(own.map(({ from, to }) => [quoting.ident(from), quoting.ident(to)]));
    return names.size === 0 || !sameJson({ ...before.body, query: redirected(queryOf(before), names) }, operation.object.body);
  });
}

/** A retyped column under a continuous aggregate: the table is rebuilt, because the aggregate cannot step aside without its rows. */
function escalate(weaving: Weaving): Operation[] {
  const reasons = new Map<ObjectId, string>();
  for (const operation of weaving.operations) {
    const aggregate = operation.op === "retype-column" ? readers(weaving, operation).find(isAggregate) : undefined;
    if (aggregate && operation.op === "retype-column") {
      reasons.set(
        operation.object.id,
        `The continuous aggregate ${aggregate.name.at(-1)} reads ${String(operation.to.name)}, and no type changes under it.`,
      );
    }
  }
  return [...reasons].reduce((operations, [id, why]) => rebuilt({ ...weaving, operations }, id, why), [...weaving.operations]);
}

function rebuilt(weaving: Weaving, id: ObjectId, why: string): Operation[] {
  const from = weaving.before.get(idBefore(weaving, id));
  const object = weaving.after.get(id);
  if (from === undefined || object === undefined) return [...weaving.operations];
  const columns = Object.fromEntries(
    operationsOn(weaving, id).flatMap((operation) => (operation.op === "rename-column" ? [[operation.from, operation.to]] : [])),
  );
  const operation: Operation = { op: "rebuild-object", from: asRenamed(from, object, columns), object, why };
  const kept = weaving.operations.filter(({ op, object: other }) => other.id !== id || op === "rename-object" || op === "rename-column");
  return [...kept, operation];
}

/** The object before, as its renames leave it. */
export function asRenamed(from: CatalogObject, to: CatalogObject, columns: Readonly<Record<string, string>>): CatalogObject {
  return { ...from, id: to.id, name: to.name, body: renameColumns(from.body, columns) };
}

const HOLDS_ROWS: ReadonlySet<string> = new Set(["table", "continuous-aggregate"]);

/** What hangs on a rebuilt table or aggregate is swapped with it; the dependants' own operations are part of that. */
function swapTogether(weaving: Weaving): Operation[] {
  const rebuilds = weaving.operations.filter(
    (operation): operation is RebuildOperation => operation.op === "rebuild-object" && HOLDS_ROWS.has(operation.object.kind),
  );
  const along = new Map(rebuilds.map((operation) => [operation, alongOf(weaving, operation)]));
  const covered = new Set(
    [...along.values()].flatMap((members) => members.filter(({ from }) => from.kind !== "table").map(({ object }) => object.id)),
  );
  return weaving.operations.flatMap((operation): Operation[] => {
    if (covered.has(operation.object.id) && operation.op !== "drop-object") return [];
    const members = operation.op === "rebuild-object" ? along.get(operation) : undefined;
    return [members === undefined || members.length === 0 ? operation : ({ ...operation, with: members } as RebuildOperation)];
  });
}

function alongOf(weaving: Weaving, { object }: RebuildOperation): Along[] {
  const roots = directDependants(weaving, idBefore(weaving, object.id), true);
  return dependants(weaving, roots, true).flatMap((from) => {
    const next = objectAfter(weaving, from);
    return next === undefined ? [] : [{ from, object: next }];
  });
}

/** A column that an aggregate read until now goes after the aggregate's rebuild, and the old aggregate cannot be held. */
function dropLate(weaving: Weaving): Operation[] {
  const now = new Set<ObjectId>();
  const operations = weaving.operations.map((operation): Operation => {
    const aggregates = operation.op === "drop-column" ? readers(weaving, operation).filter(isAggregate) : [];
    if (operation.op !== "drop-column" || aggregates.length === 0) return operation;
    for (const { id } of aggregates) now.add(idAfter(weaving, id));
    return { ...operation, late: true };
  });
  return operations.map((operation) =>
    operation.op === "rebuild-object" &&
    [operation.object, ...(operation.with ?? []).map(({ object }) => object)].some(({ id }) => now.has(id))
      ? { ...operation, now: true }
      : operation,
  );
}

/** Views that are bound to what changes or goes: dropped first, made again at their place. */
function stepAside(weaving: Weaving): Operation[] {
  const swapped = new Set(
    weaving.operations.flatMap((operation) =>
      operation.op === "rebuild-object" ? (operation.with ?? []).map(({ object }) => object.id) : [],
    ),
  );
  const free = (object: CatalogObject): boolean => !swapped.has(idAfter(weaving, object.id));
  const roots = weaving.operations.flatMap((operation) => rootsOf(weaving, operation)).filter(free);
  const aside = dependants(weaving, roots).filter((object) => free(object) && !(isAggregate(object) && isRebuilt(weaving, object)));
  if (aside.length === 0) return [...weaving.operations];
  const ids = new Set(aside.map(({ id }) => idAfter(weaving, id)));
  const others = weaving.operations.filter(({ object }) => !ids.has(object.id));
  return [
    ...others,
    ...aside.map((object): Operation => ({ op: "drop-object", object, again: true })),
    ...aside.flatMap((object): Operation[] => {
      const next = objectAfter(weaving, object);
      return next === undefined ? [] : [{ op: "create-object", object: next, again: true }];
    }),
  ];
}

function isRebuilt(weaving: Weaving, object: CatalogObject): boolean {
  return operationsOn(weaving, idAfter(weaving, object.id)).some(({ op }) => op === "rebuild-object");
}

function rootsOf(weaving: Weaving, operation: Operation): CatalogObject[] {
  switch (operation.op) {
    case "retype-column":
    case "drop-column":
      return readers(weaving, operation).filter((object) => !isAggregate(object));
    case "drop-object":
      return directDependants(weaving, operation.object.id);
    case "rebuild-object": {
      // Alone it is dropped and made by its own operation; with views on it, it is one of those that step aside.
      const own = weaving.before.get(idBefore(weaving, operation.object.id));
      const hang = own && !HOLDS_ROWS.has(own.kind) && directDependants(weaving, own.id).length > 0;
      return own !== undefined && hang ? [own] : [];
    }
    default:
      return [];
  }
}
