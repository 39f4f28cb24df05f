import { parseDuration } from "../../core/duration.js";
import { isDwError } from "../../core/errors.js";
import type { Column, Columns, Freshness, Model } from "../../core/model.js";
import { type LogicalType, typeText } from "../../core/types.js";
import { columnsOf, has, type Mistake, missingColumn, missingColumns } from "./mistake.js";
import { nameMistake } from "./shape.js";

/** The columns themselves, and what the model says about them: key, freshness, zone. */
export function columnMistakes(model: Model): readonly Mistake[] {
  const columns = columnsOf(model);
  if (columns === undefined) return zoneMistakes(model);
  const wrong = [...emptyMistakes(model, columns), ...Object.entries(columns).flatMap(([name, column]) => oneColumn(name, column))];
  if (wrong.length > 0) return wrong;
  return [...twinMistakes(model, columns), ...keyMistakes(model, columns), ...freshMistakes(model, columns), ...zoneMistakes(model)];
}

function emptyMistakes(model: Model, columns: Columns): readonly Mistake[] {
  if (model.model === "source" || Object.keys(columns).length > 0) return [];
  return [{ what: "has no columns.", why: `A ${model.model} has at least one.`, fix: "Add them under `columns`." }];
}

/** Engines in which `id` and `ID` are one name. */
const foldingEngines = ["starrocks", "duckdb", "hive"];

function twinMistakes(model: Model, columns: Columns): readonly Mistake[] {
  const engine = "on" in model && model.model !== "check" ? foldingEngines.find((name) => Object.hasOwn(model.on, name)) : undefined;
  if (engine === undefined) return [];
  const names = Object.keys(columns);
  const twin = names.find((name, index) => names.some((other, at) => at < index && other.toLowerCase() === name.toLowerCase()));
  if (twin === undefined) return [];
  return [
    {
      what: `has two columns ${twin} for ${engine}.`,
      why: "Names that differ only by case are one name there.",
      fix: "Rename one of them.",
    },
  ];
}

function oneColumn(name: string, column: Column | undefined): readonly Mistake[] {
  const wrongName = nameMistake(name, "The name of a column");
  if (wrongName !== undefined) return [wrongName];
  if (typeof column?.type?.kind !== "string") {
    return [
      {
        what: `has something at column ${name} that is not a column.`,
        why: "A column is what `t.…(…)` returns.",
        fix: "Call the type: `t.int()` rather than `t.int`.",
      },
    ];
  }
  const why = typeMistake(column.type) ?? (column.zone === undefined || isZone(column.zone) ? undefined : notAZone(column.zone));
  if (why === undefined) return [];
  return [{ what: `has the column ${name} as ${typeText(column.type)}.`, why, fix: "Correct the column." }];
}

/** Bounds that hold for every engine; what one engine cannot hold is that engine's answer. */
function typeMistake(type: LogicalType): string | undefined {
  switch (type.kind) {
    case "decimal":
      if (!isCount(type.precision) || !Number.isInteger(type.scale)) return "Precision and scale are whole numbers.";
      return type.scale < 0 || type.scale > type.precision ? "The scale lies between 0 and the precision." : undefined;
    case "text":
    case "binary":
      return type.max === undefined || isCount(type.max) ? undefined : "The length is a whole number above 0.";
    case "enum":
      if (type.values.length === 0) return "An enum has at least one value.";
      return new Set(type.values).size === type.values.length ? undefined : "A value stands there twice.";
    case "list":
      return typeMistake(type.element.type);
    case "map":
      return typeMistake(type.key) ?? typeMistake(type.value.type);
    case "struct":
      return type.fields.length === 0 ? "A struct has at least one field." : first(type.fields.map((field) => typeMistake(field.type)));
    default:
      return undefined;
  }
}

const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;

function first(found: readonly (string | undefined)[]): string | undefined {
  return found.find((text) => text !== undefined);
}

function keyMistakes(model: Model, columns: Columns): readonly Mistake[] {
  const key = "key" in model ? (model.key ?? []) : [];
  const twice = key.filter((name, index) => key.indexOf(name) !== index);
  return [
    ...missingColumns("key", key, columns),
    ...twice.map((name) => ({ what: `names ${name} twice in \`key\`.`, why: "A key is a set of columns.", fix: "Remove one." })),
  ];
}

function freshMistakes(model: Model, columns: Columns): readonly Mistake[] {
  const fresh = "fresh" in model ? model.fresh : undefined;
  if (fresh === undefined) return [];
  const column = columns[fresh.column];
  if (!has(columns, fresh.column) || column === undefined) return [missingColumn("fresh.column", String(fresh.column), columns)];
  return [...timeMistakes(fresh, column), ...durationMistakes("fresh.within", fresh.within)];
}

function timeMistakes(fresh: Freshness, column: Column): readonly Mistake[] {
  if (column.type.kind === "timestamp" || column.type.kind === "date") return [];
  return [
    {
      what: `measures freshness by ${fresh.column}, which is ${typeText(column.type)}.`,
      why: "Freshness is the age of the newest date or timestamp.",
      fix: "Name a date or timestamp column in `fresh.column`.",
    },
  ];
}

function durationMistakes(place: string, text: string): readonly Mistake[] {
  try {
    parseDuration(text);
    return [];
  } catch (error) {
    if (!isDwError(error)) throw error;
    return [{ what: `says \`${place}: ${JSON.stringify(text)}\`, which is no duration.`, why: error.why, fix: error.fix }];
  }
}

function zoneMistakes(model: Model): readonly Mistake[] {
  const zone = "zone" in model ? model.zone : undefined;
  if (zone === undefined || isZone(zone)) return [];
  return [{ what: `has the zone ${JSON.stringify(zone)}.`, why: notAZone(zone), fix: "Write an IANA name such as Europe/Paris or UTC." }];
}

function notAZone(zone: string): string {
  return `${JSON.stringify(zone)} is not a time zone that this machine knows.`;
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
