import { hostname } from "node:os";
import type { Connections } from "../connections/open.js";
import { DwError } from "../core/errors.js";
import type { StateStore } from "../core/state.js";
import { postgresState } from "../state/postgres.js";
import type { Project } from "./project.js";

/** The state store of an environment. DW-STATE-MISSING where nothing is bound; DW-CONNECTION-UNSUPPORTED for other engines. */
export async function openState(connections: Connections): Promise<StateStore> {
  const open = await connections.state();
  if (open.kind === "pg") return postgresState(open.pg, { environment: connections.environment.name });
  throw new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `Environment ${connections.environment.name} keeps its state in ${open.kind}.`,
    why: "Locks, journal and history need PostgreSQL.",
    fix: "Bind `state:` to a PostgreSQL connection in dw.config.ts.",
  });
}

/** Who holds a lock, for whoever finds it taken. From variables: an account may have no name, as in some containers. */
export function lockOwner({ variables }: Pick<Project, "variables">): string {
  return `${variables.USER ?? variables.LOGNAME ?? "somebody"} on ${hostname()}, process ${process.pid}`;
}
