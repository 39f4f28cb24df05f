import { hostname } from "node:os";
import type { Connections } from "../connections/open.js";
import { DwError } from "../core/errors.js";
import type { StateStore } from "../core/state.js";
import { postgresState } from "../state/postgres.js";
import { starrocksState } from "../state/starrocks.js";
import type { Project } from "./project.js";

/** The state store of an environment. DW-STATE-MISSING where nothing is bound; DW-CONNECTION-UNSUPPORTED for other engines. */
export async function openState(connections: Connections): Promise<StateStore> {
  const open = await connections.state();
  const { name: environment } = connections.environment;
  if (open.kind === "pg") return postgresState(open.pg, { environment });
  if (open.kind === "mysql" && open.server === "starrocks") return starrocksState(open.mysql, { environment });
  throw new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `Environment ${environment} keeps its state in ${open.kind === "mysql" ? open.server : open.kind}.`,
    why: "Locks, journal and history need PostgreSQL or StarRocks.",
    fix: "Bind `state:` to a PostgreSQL or StarRocks connection in dw.config.ts.",
  });
}

/** Who holds a lock, for whoever finds it taken. From variables: an account may have no name, as in some containers. */
export function lockOwner({ variables }: Pick<Project, "variables">): string {
  return `${variables.USER ?? variables.LOGNAME ?? "somebody"} on ${hostname()}, process ${process.pid}`;
}
