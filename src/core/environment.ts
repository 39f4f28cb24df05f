import type { Config, Connection, Environment } from "./config.js";
import { DwError } from "./errors.js";
import type { EngineName } from "./types.js";

/** What serves an engine slot: a connection of the configuration, or the environment's embedded folder. */
export type SlotBinding =
  | { readonly by: "connection"; readonly name: string; readonly connection: Connection }
  | { readonly by: "embedded"; readonly store: "pglite" }
  /** `emulates` says that DuckDB executes what another engine would. */
  | { readonly by: "embedded"; readonly store: "duckdb"; readonly file: string; readonly emulates?: EngineName };

export interface ResolvedEnvironment {
  readonly name: string;
  /** The embedded folder as the configuration states it, relative to the project. */
  readonly embedded?: string;
  readonly ddlLockTimeout?: string;
  readonly hold?: string;
  /** Throws DW-SLOT-UNBOUND. */
  readonly slot: (engine: EngineName) => SlotBinding;
  /** A connection by its name in the configuration. Throws DW-CONNECTION-UNKNOWN. */
  readonly connection: (name: string) => Connection;
  /** Where locks, journal, ledger and history live. Throws DW-STATE-MISSING. */
  readonly state: () => SlotBinding;
}

/**
 * Which embedded store stands for which engine; the others cannot be embedded. Hive has a file of its own: its databases may be
 * called as StarRocks's are.
 */
const embeddedStores: Partial<Record<EngineName, SlotBinding>> = {
  timescale: { by: "embedded", store: "pglite" },
  postgres: { by: "embedded", store: "pglite" },
  duckdb: { by: "embedded", store: "duckdb", file: "warehouse" },
  starrocks: { by: "embedded", store: "duckdb", file: "warehouse", emulates: "starrocks" },
  hive: { by: "embedded", store: "duckdb", file: "hive", emulates: "hive" },
};

/** One environment of the configuration, ready to be asked. Throws DW-ENV-UNKNOWN. */
export function resolveEnvironment(config: Config, name: string): ResolvedEnvironment {
  const environment = Object.hasOwn(config.environments, name) ? config.environments[name] : undefined;
  if (environment === undefined) throw unknownEnvironment(config, name);
  const connection = (wanted: string): Connection => named(config, environment, name, wanted);
  const bound = (wanted: string): SlotBinding => ({ by: "connection", name: wanted, connection: connection(wanted) });
  return {
    name,
    ...(environment.embedded !== undefined && { embedded: environment.embedded }),
    ...(environment.ddlLockTimeout !== undefined && { ddlLockTimeout: environment.ddlLockTimeout }),
    ...(environment.hold !== undefined && { hold: environment.hold }),
    connection,
    slot: (engine) => {
      const wanted = environment.slots?.[engine];
      const embedded = environment.embedded === undefined ? undefined : embeddedStores[engine];
      if (wanted !== undefined) return bound(wanted);
      if (embedded !== undefined) return embedded;
      throw unbound(environment, name, engine);
    },
    state: () => {
      if (environment.state !== undefined) return bound(environment.state);
      if (environment.embedded !== undefined) return { by: "embedded", store: "pglite" };
      throw new DwError("DW-STATE-MISSING", {
        what: `Environment ${name} has no place for locks, journal and history.`,
        why: "Without it two runs could change the same target at once, and an interrupted run could not be resumed.",
        fix: `Add \`state: "<a PostgreSQL or StarRocks connection>"\` to environment ${name} in dw.config.ts.`,
      });
    },
  };
}

function named(config: Config, environment: Environment, environmentName: string, wanted: string): Connection {
  const all = { ...config.connections, ...environment.connections };
  const connection = Object.hasOwn(all, wanted) ? all[wanted] : undefined;
  if (connection !== undefined) return connection;
  throw new DwError("DW-CONNECTION-UNKNOWN", {
    what: `Environment ${environmentName} has no connection ${wanted}.`,
    why: `dw.config.ts defines ${listed(Object.keys(all))} there.`,
    fix: "Add it under `connections`, or use one of those.",
  });
}

function unknownEnvironment(config: Config, name: string): DwError {
  return new DwError("DW-ENV-UNKNOWN", {
    what: `There is no environment ${name}.`,
    why: `dw.config.ts defines ${listed(Object.keys(config.environments))}.`,
    fix: "Use one of those with --env or DW_ENV, or add it under `environments`.",
  });
}

function unbound(environment: Environment, name: string, engine: EngineName): DwError {
  const hint = environment.embedded === undefined ? "" : `, and ${engine} has no embedded stand-in`;
  return new DwError("DW-SLOT-UNBOUND", {
    what: `Environment ${name} has nothing for ${engine}.`,
    why: `No connection is bound to the slot${hint}.`,
    fix: `Add \`slots: { ${engine}: "<connection>" }\` to environment ${name} in dw.config.ts.`,
  });
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
