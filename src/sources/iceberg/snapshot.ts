import { DwError } from "../../core/errors.js";
import type { At } from "../../core/source.js";
import type { Snapshot, TableMetadata } from "./metadata.js";
import type { IcebergSchema } from "./schema.js";

/** What is read: a snapshot, or none of a table that never had one, with the schema that its rows are read with. */
export interface View {
  readonly snapshot: Snapshot | undefined;
  readonly schema: IcebergSchema;
}

/**
 * Time travel. A snapshot, a tag and an instant are read with the schema of their snapshot; the current state and a
 * branch, which is a place of work, with the table's current schema.
 */
export function viewAt(table: TableMetadata, at: At): View {
  if (at.snapshot !== undefined) return frozen(table, snapshotOf(table, at.snapshot, `snapshot ${at.snapshot}`));
  if (at.asOf !== undefined) return frozen(table, snapshotAt(table, at.asOf));
  if (at.ref !== undefined && at.ref !== "main") {
    const ref = table.refs.get(at.ref);
    if (ref === undefined) throw missing(table, `branch or tag ${at.ref}`, `It has ${[...table.refs.keys()].join(", ") || "none"}.`);
    const snapshot = snapshotOf(table, ref.snapshot, `snapshot of ${at.ref}`);
    return ref.type === "tag" ? frozen(table, snapshot) : { snapshot, schema: table.schema };
  }
  const current = table.currentSnapshot;
  return { snapshot: current === undefined ? undefined : table.snapshots.get(current), schema: table.schema };
}

function frozen(table: TableMetadata, snapshot: Snapshot): View {
  const schema = snapshot.schemaId === undefined ? undefined : table.schemas.get(snapshot.schemaId);
  return { snapshot, schema: schema ?? table.schema };
}

function snapshotOf(table: TableMetadata, id: string, what: string): Snapshot {
  const snapshot = table.snapshots.get(id);
  if (snapshot !== undefined) return snapshot;
  const newest = [...table.snapshots.keys()].slice(-10).join(", ");
  throw missing(table, what, newest === "" ? "The table has no snapshot." : `The newest that it has: ${newest}.`);
}

/** The log says what was current when, rollbacks included; without one the current snapshot's ancestors are asked. */
function snapshotAt(table: TableMetadata, instant: number): Snapshot {
  const entries = table.log.length > 0 ? table.log : ancestry(table);
  let last: string | undefined;
  for (const entry of entries) if (entry.timestamp <= instant) last = entry.snapshot;
  const time = Number.isFinite(instant) ? new Date(instant).toISOString() : String(instant);
  if (last === undefined) {
    const first = entries[0];
    throw missing(
      table,
      `snapshot at ${time}`,
      first === undefined ? "It has none." : `Its history starts at ${new Date(first.timestamp).toISOString()}.`,
    );
  }
  return snapshotOf(table, last, `snapshot ${last}, which was current at ${time}`);
}

/** Oldest first. A damaged file may name a snapshot as its own ancestor; each is visited once. */
export function ancestry(table: TableMetadata): readonly { readonly snapshot: string; readonly timestamp: number }[] {
  const seen = new Set<string>();
  const chain: { snapshot: string; timestamp: number }[] = [];
  for (let id = table.currentSnapshot; id !== undefined && !seen.has(id); ) {
    seen.add(id);
    const snapshot = table.snapshots.get(id);
    if (snapshot === undefined) break;
    chain.push({ snapshot: id, timestamp: snapshot.timestamp });
    id = snapshot.parent;
  }
  return chain.reverse();
}

function missing(table: TableMetadata, what: string, have: string): DwError {
  return new DwError("DW-SNAPSHOT-MISSING", {
    what: `The table has no ${what}.`,
    why: `${table.file} does not list it: it never existed, or it has expired. ${have}`,
    fix: "`dw inspect` lists the snapshots, branches and tags that can be read.",
  });
}
