import { resolve } from "node:path";
import type { Connections } from "../../connections/open.js";
import { DwError } from "../../core/errors.js";
import type { At, SourceTable } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";

export interface SourceSurroundings {
  readonly connections: Connections;
  /** Relative paths start here. */
  readonly root: string;
  readonly scratch: string;
  readonly at: At;
}

type Format = (storage: Storage, at: At) => Promise<SourceTable>;

const formats: Readonly<Record<string, Format>> = {
  iceberg: async (storage, at) => (await import("../../sources/iceberg/index.js")).openIceberg(storage, { at }),
  paimon: async (storage, at) => (await import("../../sources/paimon/index.js")).openPaimon(storage, { at }),
};

/** SOURCE is FORMAT:PATH or CONNECTION:TABLE. DW-SOURCE-UNKNOWN and what opening throws. */
export async function openSource(text: string, surroundings: SourceSurroundings): Promise<SourceTable> {
  const colon = text.indexOf(":");
  const [name, rest] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
  if (name === "" || rest === "") throw unknownSource(text);
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format === undefined) return tableSource(text, name, rest, surroundings);
  const { openLocal } = await import("../../storage/local.js");
  return format(await openLocal(resolve(surroundings.root, rest)), surroundings.at);
}

async function tableSource(text: string, name: string, rest: string, { connections, scratch }: SourceSurroundings): Promise<SourceTable> {
  const open = await connections.named(name);
  const [schema, table, ...more] = rest.includes(".") ? rest.split(".") : ["public", rest];
  if (open.kind !== "pg" || schema === undefined || table === undefined || more.length > 0) throw unknownSource(text);
  const { openPgTable } = await import("../../engines/postgres/read.js");
  return openPgTable(open.pg, { schema, table, scratch });
}

function unknownSource(text: string): DwError {
  return new DwError("DW-SOURCE-UNKNOWN", {
    what: `${text} is no SOURCE.`,
    why: `A source is NAME:REST, where NAME is a format (${Object.keys(formats).join(", ")}) or a PostgreSQL connection of dw.config.ts.`,
    fix: "Write for example iceberg:exports/orders or legacy:public.orders.",
  });
}
