import { DwError } from "../core/errors.js";
import type { Column, ColumnMapping, Columns, JsonColumn, ScaledColumn, TranslatedColumn, ZonedColumn } from "../core/model.js";
import type { SourceColumn } from "../core/source.js";
import type { TargetColumn } from "../core/target.js";
import { quoteName, quoteText, transitType } from "../core/transit.js";
import { type EngineName, type LogicalType, typeText } from "../core/types.js";
import { atZone, isRepeated, isSkipped, isUtc, occurrence } from "../core/wall-clock.js";
import { type Fit, fitOf, timeLength } from "./fit.js";
import { jsonValue } from "./json-value.js";
import { fromJson, scaled, translated } from "./translated.js";
import { unheldRules } from "./unheld.js";

/*
 * Which source values become which target values, decided before a row is read. Each target column has one DuckDB
 * expression over the source's columns that already has the target's type, so that the fingerprint of what is loaded and
 * the fingerprint of what the target holds are taken over the same values.
 */

export interface MappingRequest {
  readonly backfill: string;
  readonly source: readonly SourceColumn[];
  /** What the source's model states beyond the file: zones. */
  readonly sourceModel?: { readonly columns?: Columns; readonly zone?: string };
  readonly target: readonly TargetColumn[];
  readonly targetModel?: { readonly columns: Columns; readonly zone?: string };
  readonly engine: EngineName;
  readonly map?: Readonly<Record<string, ColumnMapping>>;
  /** How the legacy writer meant zone-less timestamps when nothing else says. */
  readonly sourceZone?: string;
  /** The type of each `{sql}` expression, by target column: found by DuckDB from the source's types. */
  readonly expressionTypes: ReadonlyMap<string, LogicalType>;
}

/** A condition that no row may meet; counted before a chunk is loaded. */
export interface ValueRule {
  readonly column: string;
  /** DuckDB predicate over source columns that is true for a value that must be refused. */
  readonly broken: string;
  /** `is longer than 20 characters`; completes "a value of column x …". */
  readonly what: string;
  readonly fix: string;
}

export interface MappedColumn {
  readonly name: string;
  readonly type: LogicalType;
  readonly nullable: boolean;
  /** DuckDB expression over source columns, of the DuckDB type of `type`. */
  readonly expression: string;
  /** For people: `station_id`, `paid / 100`, `constant 'eu'`. */
  readonly from: string;
  /** The source's column, where its values arrive as they are and no rule is for this side to keep. */
  readonly copies?: string;
  /** What the certificate must say: an accepted loss, a zone that was applied. */
  readonly note?: string;
  readonly pii?: true;
}

export interface Mapping {
  readonly columns: readonly MappedColumn[];
  readonly rules: readonly ValueRule[];
  /** Source columns to read; undefined: all, because an expression may use any. */
  readonly needs: readonly string[] | undefined;
  /** Source columns that go nowhere: said, never silently dropped. */
  readonly unused: readonly string[];
}

/** Throws one DW-BACKFILL-MAPPING that names every column that does not fit. */
export function mapColumns(request: MappingRequest): Mapping {
  const problems: string[] = [...unknownTargets(request)];
  const columns: MappedColumn[] = [];
  const rules: ValueRule[] = [];
  for (const target of request.target.filter((column) => column.writable)) {
    const found = mapColumn(request, target);
    if (found === undefined) continue;
    if ("problem" in found) problems.push(found.problem);
    else {
      columns.push(found.column);
      rules.push(...found.rules);
    }
  }
  if (columns.length === 0 && problems.length === 0) problems.push("No target column has the name of a source column.");
  if (problems.length > 0) throw mappingError(request.backfill, problems);
  return { columns, rules, ...usage(request, columns) };
}

function mappingError(backfill: string, problems: readonly string[]): DwError {
  return new DwError("DW-BACKFILL-MAPPING", {
    what: `The columns of backfill ${backfill} do not fit:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    why: "Values would be changed, guessed or left out without anybody having said so.",
    fix: `State these columns in the backfill's map: { column }, { sql } or { constant }.`,
  });
}

function unknownTargets(request: MappingRequest): string[] {
  const names = new Set(request.target.map((column) => column.name));
  return Object.keys(request.map ?? {})
    .filter((name) => !names.has(name))
    .map((name) => `${name}: the map names it, but the target has no such column.`);
}

type Found = { readonly column: MappedColumn; readonly rules: readonly ValueRule[] } | { readonly problem: string };

/** What a target column is made of: an expression over source columns and the type that it has there. */
interface Origin {
  readonly expression: string;
  readonly type: LogicalType | undefined;
  readonly from: string;
  /** The author wrote the conversion out: a narrowing is a decision, not an accident. */
  readonly explicit: boolean;
  /** Name of the source column that it is. */
  readonly column?: string;
  readonly zone?: string;
  readonly repeated?: Repeated;
  /** Of a translation: what it refuses, and what the certificate says of it. */
  readonly rules?: readonly ValueRule[];
  readonly note?: string;
}

function mapColumn(request: MappingRequest, target: TargetColumn): Found | undefined {
  const origin = originOf(request, target);
  if (origin === undefined) return withoutSource(target);
  if (typeof origin === "string") return { problem: `${target.name}: ${origin}` };
  const model = request.targetModel?.columns[target.name];
  const problem = judge(request, target, origin, model);
  if (problem !== undefined) return { problem: `${target.name}: ${problem}` };
  const { expression, rules, note } = convert(request, target, origin, model);
  return {
    column: {
      name: target.name,
      type: target.type,
      nullable: target.nullable,
      expression,
      from: origin.from,
      ...(origin.column !== undefined && note === undefined && isUntouched(origin.type, target.type) && { copies: origin.column }),
      ...(note && { note }),
      ...(model?.pii && { pii: true as const }),
    },
    rules,
  };
}

/** Native types travel as texts through DuckDB: whether they are the same the engines know. */
function isUntouched(from: LogicalType | undefined, to: LogicalType): boolean {
  return from !== undefined && (to.kind === "native" || fitOf(from, to).fit === "fits");
}

/** A column that nothing fills: fine when the engine fills it or NULL is allowed there; otherwise a mistake. */
function withoutSource(target: TargetColumn): Found | undefined {
  if (target.nullable || target.hasDefault) return undefined;
  return { problem: `${target.name}: no source column has this name, and the target allows no NULL and has no default.` };
}

function originOf(request: MappingRequest, target: TargetColumn): Origin | string | undefined {
  const mapping = request.map?.[target.name];
  if (mapping === undefined) return sourceOrigin(request, target.name);
  if ("values" in mapping || "factor" in mapping || "path" in mapping) return translatedOrigin(request, mapping, target);
  if ("column" in mapping) return withZone(sourceOrigin(request, mapping.column), mapping) ?? `the source has no column ${mapping.column}.`;
  if ("constant" in mapping) return constantOrigin(mapping.constant);
  return {
    expression: `(${mapping.sql})`,
    type: request.expressionTypes.get(target.name),
    from: mapping.sql,
    explicit: true,
  };
}

type Translating = TranslatedColumn | ScaledColumn | JsonColumn;

function translatedOrigin(request: MappingRequest, mapping: Translating, target: TargetColumn): Origin | string {
  const source = request.source.find((column) => column.name === mapping.column) ?? onlyOneFolding(request.source, mapping.column);
  if (source === undefined) return `the source has no column ${mapping.column}.`;
  const found =
    "values" in mapping
      ? translated(source, mapping, target)
      : "factor" in mapping
        ? scaled(source, mapping, target)
        : fromJson(source, mapping, target);
  if (typeof found === "string") return found;
  // What a decimal cannot hold exactly is refused by a rule or by the cast: nothing is rounded. Binary fractions would be.
  const explicit = found.type?.kind === "decimal" && (target.type.kind === "decimal" || target.type.kind === "int");
  return { ...found, from: source.name, explicit };
}

function withZone(origin: Origin | undefined, mapping: { readonly column: string } | ZonedColumn): Origin | string | undefined {
  if (origin === undefined || !("zone" in mapping)) return origin;
  const { type } = origin;
  if (type !== undefined && !isLocal(type))
    return `the map states a zone for ${mapping.column}, which is ${typeText(type)} and no wall-clock time.`;
  return { ...origin, zone: mapping.zone, ...(mapping.repeated !== undefined && { repeated: mapping.repeated }) };
}

function sourceOrigin(request: MappingRequest, name: string): Origin | undefined {
  const source = request.source.find((column) => column.name === name) ?? onlyOneFolding(request.source, name);
  if (source === undefined) return undefined;
  const stated = request.sourceModel?.columns?.[source.name]?.zone ?? request.sourceModel?.zone ?? request.sourceZone;
  return {
    expression: carriedText(source),
    type: source.type,
    from: source.name,
    explicit: false,
    column: source.name,
    ...(stated !== undefined && { zone: stated }),
  };
}

/** Instants with nanoseconds travel as zone-less UTC (core/transit.ts): DuckDB's zoned type ends at microseconds. */
function carriedText({ name, type }: SourceColumn): string {
  const nanoseconds = type.kind === "timestamp" && type.zoned && type.precision > 6;
  return nanoseconds ? atZone("UTC", cutDigits({ ...type, zoned: false }, 6, quoteName(name))) : quoteName(name);
}

/**
 * The time without its last digits, always the earlier one: DuckDB's cast goes towards 1970 and PostgreSQL's rounds, so that
 * neighbours in time would change places.
 */
function cutDigits(type: Timed, to: number, value: string): string {
  if (type.precision <= to) return value;
  const [ticks, steps] = type.precision > 6 ? [`epoch_ns(${value})`, 10 ** (9 - to)] : [`epoch_us(${value})`, 10 ** (6 - to)];
  const whole = `(${ticks} - (${ticks} % ${steps} + ${steps}) % ${steps})`;
  const microseconds = type.precision > 6 ? `${whole} // 1000` : whole;
  if (type.kind === "time") return `(TIME '00:00:00' + to_microseconds(${microseconds}))`;
  const cut = `make_timestamp(${microseconds})`;
  return `CASE WHEN isfinite(${value}) THEN ${type.zoned ? atZone("UTC", cut) : cut} ELSE CAST(${value} AS TIMESTAMP${type.zoned ? "TZ" : ""}) END`;
}

/** `Station_ID` for `station_id`, when only one source column reads so: DuckDB itself does not see case in names. */
function onlyOneFolding(source: readonly SourceColumn[], name: string): SourceColumn | undefined {
  const same = source.filter((column) => column.name.toLowerCase() === name.toLowerCase());
  return same.length === 1 ? same[0] : undefined;
}

function constantOrigin(constant: string | number | boolean | null): Origin {
  const expression = constant === null ? "NULL" : typeof constant === "string" ? quoteText(constant) : String(constant);
  return { expression, type: undefined, from: `constant ${expression}`, explicit: true };
}

/** Why the conversion is refused; undefined when it may happen. */
function judge(request: MappingRequest, target: TargetColumn, origin: Origin, model: Column | undefined): string | undefined {
  if (origin.type === undefined) return undefined;
  const zone = zoneProblem(request, target, origin.type, origin, model);
  if (zone !== undefined) return zone;
  const found = fitOf(origin.type, target.type);
  if (found.fit === "fits" || found.fit === "checked") return undefined;
  const pair = `${origin.from} is ${typeText(origin.type)}, the target ${typeText(target.type)}`;
  if (found.fit === "impossible") return `${pair}; write the conversion as { sql }.`;
  if (origin.explicit || accepted(request, model) !== undefined) return undefined;
  return `${pair}: ${found.note}. Accept it in the model (.accept("${request.engine}", …)) or write the conversion as { sql }.`;
}

const accepted = (request: MappingRequest, model: Column | undefined): string | undefined => model?.accept?.[request.engine];

type Timestamp = Extract<LogicalType, { kind: "timestamp" }>;

const isLocal = (type: LogicalType): boolean => type.kind === "date" || (type.kind === "timestamp" && !type.zoned);
const isInstant = (type: LogicalType): boolean => type.kind === "timestamp" && type.zoned;

function zoneProblem(
  request: MappingRequest,
  target: TargetColumn,
  type: LogicalType,
  origin: Origin,
  model: Column | undefined,
): string | undefined {
  if (target.type.kind !== "timestamp") return undefined;
  if (isLocal(type) && (isInstant(target.type) || meansInstant(model)) && origin.zone === undefined)
    return `${origin.from} is ${typeText(type)} without a zone, the target is an instant: state sourceZone (or .zone() on the source's column).`;
  if (isInstant(type) && !target.type.zoned && targetZone(request, model) === undefined)
    return `${origin.from} is an instant, the target keeps no zone: state .zone() on the target's column.`;
  return undefined;
}

/** The model says instant where the engine has no such type (StarRocks DATETIME): the engine holds UTC by contract. */
const meansInstant = (model: Column | undefined): boolean => model !== undefined && isInstant(model.type);

function targetZone(request: MappingRequest, model: Column | undefined): string | undefined {
  return meansInstant(model) ? "UTC" : (model?.zone ?? request.targetModel?.zone);
}

interface Converted {
  readonly expression: string;
  readonly rules: readonly ValueRule[];
  readonly note?: string;
}

function convert(request: MappingRequest, target: TargetColumn, origin: Origin, model: Column | undefined): Converted {
  const zoned = convertZone(request, target, withoutDigits(origin, target.type), model);
  const found = origin.type === undefined ? undefined : fitOf(origin.type, target.type);
  const expression = castTo(target.type, origin.type, zoned.expression);
  const notes = [origin.note, zoned.note, lossNote(request, found, model)].filter((note) => note !== undefined);
  return {
    expression,
    rules: [...(origin.rules ?? []), ...zoned.rules, ...valueRules(target, expression), ...unheldRules(request.engine, target, expression)],
    ...(notes.length > 0 && { note: notes.join("; ") }),
  };
}

type Timed = Extract<LogicalType, { kind: "timestamp" | "time" }>;

const isTimed = (type: LogicalType | undefined): type is Timed => type?.kind === "timestamp" || type?.kind === "time";

/** The value with no more digits after the second than the target keeps. */
function withoutDigits(origin: Origin, target: LogicalType): Origin {
  const { type, expression } = origin;
  if (!isTimed(type) || !isTimed(target)) return origin;
  return { ...origin, expression: cutDigits(inHand(type), target.precision, expression) };
}

/** What an instant with nanoseconds is once it has been carried: DuckDB's zoned type ends at microseconds. */
const inHand = (type: Timed): Timed => (type.kind === "timestamp" && type.zoned && type.precision > 6 ? { ...type, precision: 6 } : type);

function lossNote(request: MappingRequest, found: Fit | undefined, model: Column | undefined): string | undefined {
  if (found?.fit !== "lossy") return undefined;
  return `${found.note} (${accepted(request, model) ?? "written out in the map"})`;
}

function castTo(target: LogicalType, source: LogicalType | undefined, expression: string): string {
  if (source?.kind === "list" && target.kind === "list" && isConverted(target.element.type, source.element.type)) {
    const element = castTo(target.element.type, source.element.type, elementDigits(target.element.type, source.element.type));
    return `list_transform(${expression}, lambda element: ${element})`;
  }
  if (source?.kind === "time" && target.kind === "text")
    return `left(strftime(DATE '1970-01-01' + ${expression}, '%H:%M:%S.%f'), ${timeLength(source.precision)})`;
  return `CAST(${source !== undefined && isEncoded(target, source) ? jsonValue(source, expression) : expression} AS ${castType(target)})`;
}

/** Elements that a cast of the whole list would change are cast one by one. */
function isConverted(target: LogicalType, source: LogicalType): boolean {
  if (source.kind === "time" && target.kind === "text") return true;
  return isEncoded(target, source) || (isTimed(target) && isTimed(source) && target.precision < source.precision);
}

function elementDigits(target: LogicalType, source: LogicalType): string {
  if (!isTimed(target) || !isTimed(source)) return "element";
  return cutDigits(source.precision > 6 && source.kind === "timestamp" ? { ...source, zoned: false } : source, target.precision, "element");
}

/** Text is taken as JSON that was written elsewhere; anything else that becomes JSON is written here. */
function isEncoded(target: LogicalType, source: LogicalType): boolean {
  if (target.kind === "list" && source.kind === "list") return isEncoded(target.element.type, source.element.type);
  return target.kind === "json" && source.kind !== "json" && source.kind !== "text";
}

/** JSON travels as text and is cast once, so that what is no JSON is refused here; engines' own types are read by the engine. */
const castType = (type: LogicalType): string => (type.kind === "json" ? "JSON" : (transitType(type) ?? "VARCHAR"));

function convertZone(request: MappingRequest, target: TargetColumn, origin: Origin, model: Column | undefined): Converted {
  const plain: Converted = { expression: origin.expression, rules: [] };
  if (origin.type === undefined || target.type.kind !== "timestamp") return plain;
  if (isLocal(origin.type) && (target.type.zoned || meansInstant(model))) return localToInstant(origin, target.type, target.name);
  if (isInstant(origin.type) && !target.type.zoned) {
    const zone = targetZone(request, model) ?? "UTC";
    return { expression: atZone(zone, origin.expression), rules: [], note: `instants are written as ${zone} wall-clock times` };
  }
  return plain;
}

function localToInstant(origin: Origin, target: Timestamp, column: string): Converted {
  const zone = origin.zone ?? "UTC";
  const local = `CAST(${origin.expression} AS TIMESTAMP)`;
  const instant = isUtc(zone) ? atZone(zone, local) : chosenInstant(zone, local, origin.repeated);
  return {
    expression: target.zoned ? instant : atZone("UTC", instant),
    rules: isUtc(zone) ? [] : clockChanges(column, zone, local, origin.repeated),
    note: `zone-less times are read as ${zone}${repeatedNote(origin.repeated)}`,
  };
}

type Repeated = ZonedColumn["repeated"];

function chosenInstant(zone: string, local: string, repeated: Repeated): string {
  if (repeated === undefined) return atZone(zone, local);
  const chosen =
    typeof repeated === "string"
      ? occurrence(repeated, zone, local)
      : `CASE WHEN (${repeated.by}) THEN ${occurrence("second", zone, local)} ELSE ${occurrence("first", zone, local)} END`;
  return `CASE WHEN ${isRepeated(zone, local)} THEN ${chosen} ELSE ${atZone(zone, local)} END`;
}

function repeatedNote(repeated: Repeated): string {
  if (repeated === undefined) return "";
  return `, the repeated hour as the ${typeof repeated === "string" ? `${repeated} one` : `second one where ${repeated.by}`}`;
}

function clockChanges(column: string, zone: string, local: string, repeated: Repeated): ValueRule[] {
  const fix =
    'Say in the map which one is meant: { column, zone, repeated: "first", "second" or { by: PREDICATE } }, or leave these rows out.';
  const what = `falls into the hour that clocks in ${zone} show twice`;
  const rules: ValueRule[] = [];
  if (repeated === undefined) rules.push({ column, broken: isRepeated(zone, local), what, fix });
  else if (typeof repeated === "object")
    rules.push({
      column,
      broken: `${isRepeated(zone, local)} AND (${repeated.by}) IS NULL`,
      what: `${what}, and ${repeated.by} does not say which is meant`,
      fix,
    });
  return [...rules, { column, broken: isSkipped(zone, local), what: `is a time that clocks in ${zone} skip`, fix: SKIPPED_FIX }];
}

const SKIPPED_FIX =
  "No instant is meant by it: the writer's clock was wrong or in another zone. Map the column with { sql }, or leave these rows out.";

function valueRules(target: TargetColumn, expression: string): ValueRule[] {
  const { type, name: column } = target;
  if (type.kind === "text" && type.max !== undefined)
    return [
      {
        column,
        broken: `length(${type.padded ? `rtrim(${expression}, ' ')` : expression}) > ${type.max}`,
        what: `is longer than ${type.max} characters`,
        fix: "Widen the column in the model, or cut the value with { sql } in the map.",
      },
    ];
  if (type.kind === "enum")
    return [
      {
        column,
        broken: `${expression} NOT IN (${type.values.map(quoteText).join(", ")})`,
        what: `is none of ${type.values.join(", ")}`,
        fix: "Add the value to the enum in the model, or map it with { sql }.",
      },
    ];
  return [];
}

function usage(request: MappingRequest, columns: readonly MappedColumn[]): Pick<Mapping, "needs" | "unused"> {
  const free = columns.some((column) => request.expressionTypes.has(column.name) || isDecidedByRow(request.map?.[column.name]));
  const used = new Set(columns.map((column) => column.from));
  const names = request.source.map((column) => column.name);
  return {
    needs: free ? undefined : names.filter((name) => used.has(name)),
    unused: free ? [] : names.filter((name) => !used.has(name)),
  };
}

const isDecidedByRow = (mapping: ColumnMapping | undefined): boolean =>
  mapping !== undefined && "repeated" in mapping && typeof mapping.repeated === "object";

/** SELECT that turns a chunk's rows into the target's columns. */
export function mappedSelect(mapping: Mapping, chunkSql: string): string {
  const columns = mapping.columns.map((column) => `${column.expression} AS ${quoteName(column.name)}`);
  return `SELECT ${columns.join(", ")} FROM (${chunkSql}) AS source`;
}

/** One row, one column a rule (`broken_0` …): how many values break it. Undefined when there is no rule. */
export function ruleQuery(mapping: Mapping, chunkSql: string): string | undefined {
  if (mapping.rules.length === 0) return undefined;
  const counts = mapping.rules.map(({ broken }, index) => `count(*) FILTER (WHERE ${broken}) AS broken_${index}`);
  return `SELECT ${counts.join(", ")} FROM (${chunkSql}) AS source`;
}
