import { withUnit } from "../../core/comments.js";
import type { ResolveContext } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { Loss } from "../../core/loss.js";
import { mappedType } from "../../core/mapped-column.js";
import type { Column, Columns, DefaultValue, Model } from "../../core/model.js";
import { modelPlace } from "../../core/model-place.js";
import type { Dialect, EngineName } from "../../core/types.js";
import type { CheckBody, ColumnBody } from "./body.js";
import { derivedName, id, join, lit, quoting } from "./dialect.js";
import { enumName, enumOf, isObjectOn } from "./objects.js";
import { canonicalType, mapType } from "./types.js";

/** Which slot is resolved, and in which order its dialects are tried: TimescaleDB reads PostgreSQL's SQL too. */
export interface Flavor {
  readonly slot: EngineName;
  readonly dialects: readonly Dialect[];
}

/** What typing a column may need; `losses` collects. */
export interface Typing {
  readonly flavor: Flavor;
  readonly context: ResolveContext;
  readonly losses: Loss[];
}

const LABELS: Readonly<Partial<Record<EngineName, string>>> = { postgres: "PostgreSQL", timescale: "TimescaleDB" };

/** The type text of a column, after `as`. Throws DW-TYPE-UNSUPPORTED and DW-TYPE-LOSSY. */
export function columnType(model: Model, name: string, column: Column, { flavor: { slot }, context, losses }: Typing): string {
  const chosen = column.as?.[slot] ?? (slot === "timescale" ? column.as?.postgres : undefined);
  if (chosen !== undefined) return authorType(model, name, chosen);
  const declared = column.type.kind === "enum" ? enumOf(model, name, column.type, slot, context) : undefined;
  if (declared !== undefined) return id(...enumName(declared, slot)).text;
  return mappedType({ engine: slot, label: LABELS[slot] ?? slot, model, name, column, mapping: mapType(column.type) }, losses);
}

/** Type text goes into DDL as it is, so it may only look like a type. */
function authorType(model: Model, name: string, text: string): string {
  if (/^[A-Za-z_"][\w ."]*(\([\w ,]*\))?[\w ]*(\[\d*\])*$/.test(text) && text.split('"').length % 2 === 1) return canonicalType(text);
  throw new DwError("DW-MODEL-INVALID", {
    what: `${modelPlace(model)}: column ${name} is mapped to ${JSON.stringify(text)}, which does not look like a type.`,
    why: "A type is a name with optional numbers in parentheses.",
    fix: 'Write it as PostgreSQL would: .as("postgres", "numeric(12,4)").',
  });
}

export function columnBodies(model: Model & { readonly columns: Columns; readonly zone?: string }, typing: Typing): ColumnBody[] {
  const { flavor } = typing;
  return Object.entries(model.columns).map(([name, column]) => {
    const type = columnType(model, name, column, typing);
    const generated = dialectText(column.generated, flavor);
    const fallback = defaultText(column, model.zone, flavor);
    return {
      name,
      type,
      nullable: column.nullable,
      comment: columnComment(column),
      ...(fallback !== undefined && { default: fallback }),
      ...(generated !== undefined && { generated }),
    };
  });
}

export function columnComment(column: Column): string {
  return [withUnit(column), column.pii && "(personal data)"].filter(Boolean).join(" ");
}

function defaultText(column: Column, zone: string | undefined, flavor: Flavor): string | undefined {
  return column.default === undefined ? undefined : defaultKinds(column.default, column, zone, flavor);
}

function defaultKinds(value: DefaultValue, column: Column, zone: string | undefined, flavor: Flavor): string | undefined {
  if ("literal" in value) return literalText(value.literal, column);
  if ("sql" in value) return dialectText(value.sql, flavor);
  if (column.type.kind === "date") return "CURRENT_DATE";
  if (column.type.kind === "time") return "LOCALTIME";
  // A wall-clock column takes the clock of its own zone, not that of whoever inserts.
  const wallClock = column.type.kind === "timestamp" && !column.type.zoned;
  return wallClock ? `(now() AT TIME ZONE ${quoting.literal(column.zone ?? zone ?? "UTC")})` : "now()";
}

/** Wide numbers are texts in models, because JavaScript numbers would round them. */
function literalText(value: string | number | boolean, { type }: Column): string {
  const isNumber = type.kind === "int" || type.kind === "decimal" || type.kind === "float";
  return isNumber && /^-?\d+(\.\d+)?$/.test(String(value)) ? String(value) : quoting.literal(value);
}

function dialectText(texts: Readonly<Partial<Record<Dialect, string>>> | undefined, { dialects }: Flavor): string | undefined {
  for (const dialect of dialects) if (texts?.[dialect] !== undefined) return texts[dialect];
  return undefined;
}

/** A CHECK for each enum column without a type of its own: the column stays text, so that a value is added without rewriting anything. */
export function enumChecks(table: string, columns: Columns, { flavor: { slot }, context }: Typing): CheckBody[] {
  return Object.entries(columns).flatMap(([name, { type, as }]) => {
    if (type.kind !== "enum" || as?.postgres !== undefined || as?.timescale !== undefined) return [];
    if (type.type !== undefined && isObjectOn(context.models.get(type.type), slot, "enum")) return [];
    const values = join(type.values.map((value) => lit(value)));
    return [{ name: derivedName([table, name], "check"), expression: `${id(name).text} IN (${values.text})` }];
  });
}
