import { type CatalogObject, type ObjectId, objectId } from "./catalog.js";
import type { Column, Model } from "./model.js";
import type { EngineName, LogicalType } from "./types.js";

/*
 * The way back: from an object that exists to the model that makes it. An engine answers with the nearest model that it can
 * say; what that model misses is found by resolving it again and comparing (app/import), never by trust.
 */

export interface ImportContext {
  readonly warehouse: string;
  /** The model's name for an object of the same import; undefined for what is not among them. */
  readonly modelName: (id: ObjectId) => string | undefined;
  /** Native type of a column of a view, whose definition does not say it; undefined where nobody knows. */
  readonly viewColumnType: (id: ObjectId, column: string) => string | undefined;
}

/** Kinds of objects that a query can read, whatever the engine calls them. */
const RELATIONS = ["table", "view", "materialized-view", "continuous-aggregate"] as const;

/** The model of the relation that a query names; undefined for one that is not among the imported. */
export function relationModel(slot: EngineName, name: readonly string[], { modelName }: ImportContext): string | undefined {
  for (const kind of RELATIONS) {
    const found = modelName(objectId(slot, kind, name));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The model of one object; undefined for what comes from other models (a database, a schema). */
export type ToModel = (object: CatalogObject, context: ImportContext) => Model | undefined;

interface TypeWays {
  readonly engine: EngineName;
  readonly fromNative: (text: string) => LogicalType;
  readonly toNative: (type: LogicalType) => string;
}

/** Type of a column from an engine's text, with that text kept where the logical type alone would come out as another one. */
export function importedType(native: string, { engine, fromNative, toNative }: TypeWays): Pick<Column, "type" | "as"> {
  const type = fromNative(native);
  return toNative(type) === native ? { type } : { type, as: { [engine]: native } };
}

/** What a person would write as the default of a column of that type: `0` rather than `"0"` where a number holds it. */
export function importedLiteral(text: string, type: LogicalType): string | number | boolean {
  if (type.kind === "boolean" && /^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  const isNumber = type.kind === "float" || (type.kind === "int" && type.bits <= 32);
  return isNumber && String(Number(text)) === text ? Number(text) : text;
}
