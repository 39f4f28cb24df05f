import { DwError } from "../../core/errors.js";
import { instantOf } from "../../core/instant.js";
import type { RunFlags } from "./call.js";
import type { OpenBackfill } from "./open.js";

/** --where as it stands; --since and --until (or the model's) on the target's time column, in the words of the source. */
export async function predicate(open: OpenBackfill, flags: RunFlags): Promise<string | undefined> {
  const { where, since = open.definition.model?.since, until = open.definition.model?.until } = flags;
  if (since === undefined && until === undefined) return where;
  const prepared = await open.prepare(undefined, {});
  const time = timeColumn(open);
  const column = prepared.mapping.columns.find(({ name }) => name === time);
  if (column === undefined) throw noTime(open.definition.name);
  const bounds = [
    ...(since === undefined ? [] : [`${column.expression} >= ${instant(since)}`]),
    ...(until === undefined ? [] : [`${column.expression} < ${instant(until)}`]),
  ];
  return [...bounds, ...(where === undefined ? [] : [`(${where})`])].join(" AND ");
}

export function timeColumn({ definition: { to } }: OpenBackfill): string | undefined {
  if (to.by === "connection" || to.model === undefined) return undefined;
  const fresh = "fresh" in to.model ? to.model.fresh?.column : undefined;
  const options = to.by === "model" ? to.model.on[to.slot] : undefined;
  const hypertable = typeof options?.timeColumn === "string" ? options.timeColumn : undefined;
  const times = Object.entries(to.model.columns).filter(([, { type }]) => type.kind === "timestamp" || type.kind === "date");
  return hypertable ?? fresh ?? (times.length === 1 ? times[0]?.[0] : undefined);
}

function instant(text: string): string {
  const time = instantOf(text, "UTC");
  if (time !== undefined && Number.isFinite(time)) return `TIMESTAMPTZ '${new Date(time).toISOString()}'`;
  throw new DwError("DW-USAGE", {
    what: `${text} is no time.`,
    why: "--since and --until, and `since` and `until` of a backfill, take a date or an instant in ISO 8601.",
    fix: "Write 2024-01-31 or 2024-01-31T00:00:00Z; without a zone it is UTC.",
  });
}

function noTime(name: string): DwError {
  return new DwError("DW-USAGE", {
    what: `It is not known by which column --since and --until choose rows of ${name}.`,
    why: "The target's model has no time column of its own (timeColumn, fresh), or several.",
    fix: "Say it with --where, over the source's columns.",
  });
}
