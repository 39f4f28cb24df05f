import type { Connections, OpenConnection } from "../../connections/open.js";
import type { CatalogObject } from "../../core/catalog.js";
import type { SecretReference } from "../../core/config.js";
import { parseDuration } from "../../core/duration.js";
import type { LiveEngine } from "../../core/engine.js";
import { DwError, isDwError } from "../../core/errors.js";
import type { Statement, StatementBody } from "../../core/plan.js";
import type { DuckDb, Hive, Kafka, Mysql, Pg, PgSession } from "../../core/session.js";
import type { DuckDbSession } from "../../core/source.js";
import type { EngineName } from "../../core/types.js";
import type { Engines } from "../resolve.js";
import type { LiveSlot, LiveSlots } from "./live.js";

/*
 * How a slot of an environment becomes something that migrations can look at and act on. Live parts of engines are loaded only
 * for the slots that a warehouse uses.
 */

/**
 * The slots that `wanted` names, as far as the environment serves them. An embedded environment may lack some (topics); what a
 * warehouse has there is reported as not executed. Throws DW-SLOT-UNBOUND elsewhere, and what opening a connection throws.
 */
export async function openLiveSlots(connections: Connections, wanted: Iterable<EngineName>, engines: Engines): Promise<LiveSlots> {
  const slots = new Map<EngineName, LiveSlot>();
  for (const slot of [...new Set(wanted)].sort()) {
    if (engines.get(slot)?.emitsOnly) continue;
    const connection = await serving(connections, slot);
    const engine = engines.get(slot);
    if (connection && engine) slots.set(slot, { normalize: engine.normalize, ...(await liveSlot(slot, connection, connections)) });
  }
  return slots;
}

async function serving(connections: Connections, slot: EngineName): Promise<OpenConnection | undefined> {
  try {
    return await connections.slot(slot);
  } catch (error) {
    if (isDwError(error) && error.code === "DW-SLOT-UNBOUND" && connections.environment.embedded !== undefined) return undefined;
    throw error;
  }
}

type Acting = Omit<LiveSlot, "normalize">;

async function liveSlot(slot: EngineName, connection: OpenConnection, connections: Connections): Promise<Acting> {
  const { environment } = connections;
  if (connection.kind === "duckdb" && connection.emulates === slot) return emulatedSlot(slot, connection.duckdb);
  if (connection.kind === "pg" && (slot === "timescale" || slot === "postgres")) {
    return postgresSlot(slot, connection.pg, environment.ddlLockTimeout, connections);
  }
  if (connection.kind === "mysql" && connection.server === slot) return starrocksSlot(slot, connection.mysql, connections);
  if (connection.kind === "duckdb" && slot === "duckdb") return duckdbSlot(connection.duckdb);
  if (connection.kind === "hive" && slot === "hive") return hiveSlot(connection.hive);
  if (connection.kind === "kafka" && slot === "kafka") return kafkaSlot(connection.kafka);
  throw new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `The slot ${slot} of environment ${environment.name} cannot be migrated.`,
    why: `This version of dw does not migrate ${slot} over a ${connection.kind} connection.`,
    fix: "Apply what `dw generate` writes for it, or bind the slot to another connection.",
  });
}

/** PostgreSQL's dead connections and PGlite's turns both want a session that lasts for one piece of work only. */
async function postgresSlot(
  slot: "timescale" | "postgres",
  pg: Pg,
  ddlLockTimeout: string | undefined,
  { secret }: Pick<Connections, "secret">,
): Promise<Acting> {
  const { withVerifiers } = await import("../../engines/postgres/roles.js");
  const { DEFAULT_PATIENCE, execute, executeTogether } = await import("../../engines/postgres/execute.js");
  const patience = ddlLockTimeout === undefined ? DEFAULT_PATIENCE : { ...DEFAULT_PATIENCE, lockTimeout: parseDuration(ddlLockTimeout) };
  const live = await livePostgres(slot);
  return {
    slot,
    bytes: (object) => within(pg, (session) => live.bytes(session, object)),
    introspect: (warehouse, wanted) => within(pg, (session) => live.introspect(session, warehouse, wanted)),
    run: (statements, signal) =>
      within(pg, async (session) => {
        const sent = await Promise.all(statements.map((statement) => filledWith(statement, secret, withVerifiers)));
        if (isTogether(statements)) await executeTogether(session, sent, signal, patience);
        else for (const statement of sent) await execute(session, statement, signal, patience);
      }),
  };
}

interface LivePostgres extends LiveEngine<PgSession> {
  readonly bytes: (session: PgSession, object: CatalogObject) => Promise<number | undefined>;
}

async function livePostgres(slot: "timescale" | "postgres"): Promise<LivePostgres> {
  if (slot === "timescale") return (await import("../../engines/timescale/live.js")).liveTimescale;
  return (await import("../../engines/postgres/live.js")).livePostgres;
}

type FillSecrets = (text: string, values: readonly { readonly reference: SecretReference; readonly value: string }[]) => string;

/** The statement with the values of its secrets, each in the engine's own way. */
async function filledWith(statement: StatementBody, secret: Connections["secret"], fill: FillSecrets): Promise<StatementBody> {
  const references = statement.secrets ?? [];
  const values = await Promise.all(references.map(async (reference) => ({ reference, value: await secret(reference) })));
  return values.length === 0 ? statement : { ...statement, text: fill(statement.text, values) };
}

/** One statement after the other: StarRocks has no transactions over DDL. */
async function starrocksSlot(slot: EngineName, mysql: Mysql, { secret }: Pick<Connections, "secret">): Promise<Acting> {
  const { liveStarrocks } = await import("../../engines/starrocks/live.js");
  const { withSecrets } = await import("../../engines/starrocks/cluster/statements.js");
  const sent = (statement: StatementBody): Promise<StatementBody> => filledWith(statement, secret, withSecrets);
  return {
    slot,
    introspect: (warehouse, wanted) => within(mysql, (session) => liveStarrocks.introspect(session, warehouse, wanted)),
    run: (statements, signal, say) =>
      within(mysql, async (session) => {
        for (const statement of statements) await liveStarrocks.execute(session, await sent(statement), signal, say);
      }),
  };
}

/** One request after the other: nothing holds several topics together. */
async function kafkaSlot(kafka: Kafka): Promise<Acting> {
  const { liveKafka } = await import("../../engines/kafka/live.js");
  return {
    slot: "kafka",
    introspect: (warehouse, wanted) => liveKafka.introspect(kafka, warehouse, wanted),
    run: async (statements, signal) => {
      for (const statement of statements) await liveKafka.execute(kafka, statement, signal);
    },
  };
}

/** Hive commits every statement by itself. */
async function hiveSlot(hive: Hive): Promise<Acting> {
  const { liveHive } = await import("../../engines/hive/live.js");
  return {
    slot: "hive",
    introspect: (warehouse, wanted) => within(hive, (session) => liveHive.introspect(session, warehouse, wanted)),
    run: (statements, signal) =>
      within(hive, async (session) => {
        for (const statement of statements) await liveHive.execute(session, statement, signal);
      }),
  };
}

async function emulatedSlot(slot: EngineName, duckdb: DuckDb): Promise<Acting> {
  const { emulationOf } = await import("../../engines/duckdb/emulate.js");
  const emulation = emulationOf(slot);
  return {
    slot,
    emulatedBy: "duckdb",
    deviations: emulation.differences,
    emulate: emulation.generate,
    introspect: (warehouse, wanted) => within(duckdb, (session) => emulation.introspect(session, warehouse, wanted)),
    run: (statements, signal) => within(duckdb, (session) => runTogether(session, statements, emulation, signal)),
  };
}

async function duckdbSlot(database: DuckDb): Promise<Acting> {
  const { duckdb } = await import("../../engines/duckdb/index.js");
  return {
    slot: "duckdb",
    introspect: (warehouse, wanted) => within(database, (session) => duckdb.introspect(session, warehouse, wanted)),
    run: (statements, signal) => within(database, (session) => runTogether(session, statements, duckdb, signal)),
  };
}

async function runTogether(
  session: DuckDbSession,
  statements: readonly StatementBody[],
  { execute }: Pick<LiveEngine<DuckDbSession>, "execute">,
  signal: AbortSignal,
): Promise<void> {
  await session.run("BEGIN");
  try {
    for (const statement of statements) await execute(session, statement, signal);
    await session.run("COMMIT");
  } catch (error) {
    await session.run("ROLLBACK").catch(() => undefined); // a refused COMMIT has rolled back already
    throw error;
  }
}

function isTogether(statements: readonly Statement[]): boolean {
  return statements.every((statement) => statement.transactional);
}

interface Closable {
  readonly close: () => Promise<void>;
}

async function within<Session extends Closable, Result>(
  database: { readonly session: () => Promise<Session> },
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const session = await database.session();
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
