import { statfs } from "node:fs/promises";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import type { OpenConnection } from "../connections/open.js";
import { addresses, probe } from "../connections/probe.js";
import type { Diagnosis } from "../core/diagnosis.js";
import type { ResolvedEnvironment, SlotBinding } from "../core/environment.js";
import { type DwError, isDwError } from "../core/errors.js";
import type { Kafka } from "../core/session.js";
import type { EngineName } from "../core/types.js";
import { engines } from "../engines/index.js";
import type { Connections, Project } from "./project.js";

export interface DoctorRequest {
  readonly project: () => Promise<Project>;
  readonly environment: () => Promise<ResolvedEnvironment>;
  readonly nodeVersion: string;
  /** Milliseconds since the epoch, to compare servers' clocks with. */
  readonly now: () => number;
}

/** Looks at everything that a run needs and goes on after each failure: the patient wants the whole list. */
export async function doctor(request: DoctorRequest): Promise<readonly Diagnosis[]> {
  const machine = [nodeDiagnosis(request.nodeVersion), machineDiagnosis(), await diskDiagnosis("temporary folder", tmpdir())];
  const project = await attempt("dw.config.ts", request.project);
  if (!("value" in project)) return [...machine, project.diagnosis];
  const { root } = project.value;
  const models = await modelDiagnoses(project.value);
  return [
    ...machine,
    { about: "dw.config.ts", state: "ok", finding: root },
    await diskDiagnosis("project folder", root),
    ...models.diagnoses,
    ...(await environmentDiagnoses(project.value, request, models.slots)),
  ];
}

const oldestNode = [20, 19] as const;

function nodeDiagnosis(version: string): Diagnosis {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  const old = major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1]);
  if (!old) return { about: "Node", state: "ok", finding: version };
  return { about: "Node", state: "fail", finding: `${version} is too old`, fix: `Install Node ${oldestNode.join(".")} or newer.` };
}

function machineDiagnosis(): Diagnosis {
  return { about: "machine", state: "ok", finding: `${availableParallelism()} cores, ${gigabytes(totalmem())} memory` };
}

/** Spooled chunks and DuckDB's spill files need room; below this a backfill is likely to stop. */
const littleRoom = 2 * 1024 ** 3;

async function diskDiagnosis(about: string, folder: string): Promise<Diagnosis> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const finding = `${gigabytes(free)} free at ${folder}`;
  if (free >= littleRoom) return { about, state: "ok", finding };
  return { about, state: "warn", finding, code: "DW-DISK-FULL", fix: "Free some space: backfills spool and sort there." };
}

interface ModelFindings {
  readonly diagnoses: readonly Diagnosis[];
  /** Engines that some model is on. */
  readonly slots: readonly EngineName[];
}

async function modelDiagnoses(project: Project): Promise<ModelFindings> {
  const slots = new Set<EngineName>();
  const diagnoses: Diagnosis[] = [];
  for (const warehouse of await project.warehouses()) {
    const models = await attempt(`models of ${warehouse}`, () => project.models(warehouse));
    if ("diagnosis" in models) diagnoses.push(models.diagnosis);
    else {
      for (const model of models.value) for (const slot of slotsOf(model)) if (!engines.get(slot)?.emitsOnly) slots.add(slot);
      diagnoses.push({ about: `models of ${warehouse}`, state: "ok", finding: count(models.value.length, "model") });
    }
  }
  return { diagnoses, slots: [...slots].sort() };
}

function slotsOf(model: object): readonly EngineName[] {
  const on = "on" in model ? model.on : undefined;
  return typeof on === "object" && on !== null && !Array.isArray(on) ? (Object.keys(on) as EngineName[]) : []; // validated models
}

async function environmentDiagnoses(project: Project, request: DoctorRequest, slots: readonly EngineName[]): Promise<readonly Diagnosis[]> {
  const environment = await attempt("environment", request.environment);
  if (!("value" in environment)) return [environment.diagnosis];
  const connections = project.connect(environment.value);
  const diagnoses: Diagnosis[] = [{ about: "environment", state: "ok", finding: environment.value.name }];
  for (const slot of slots) {
    const binding = (): SlotBinding => environment.value.slot(slot);
    const diagnosis = await slotDiagnosis(`slot ${slot}`, binding, () => connections.slot(slot), request.now);
    diagnoses.push(environment.value.embedded === undefined ? diagnosis : tolerant(diagnosis));
  }
  diagnoses.push(await slotDiagnosis("state", environment.value.state, connections.state, request.now));
  return diagnoses;
}

/** An embedded environment is a toy: what cannot be embedded is worth a word there, not a failure. */
function tolerant(diagnosis: Diagnosis): Diagnosis {
  return diagnosis.code === "DW-SLOT-UNBOUND" ? { ...diagnosis, state: "warn" } : diagnosis;
}

/** Opens what dw can open; of the rest it can only say whether somebody listens. */
async function slotDiagnosis(about: string, binding: () => SlotBinding, open: Connections["state"], now: () => number): Promise<Diagnosis> {
  const found = await attempt(about, async () => {
    const bound = binding();
    const opens =
      bound.by === "embedded" ||
      ["postgres", "pglite", "duckdb", "starrocks", "mysql", "kafka", "hive", "mongodb"].includes(bound.connection.kind);
    return opens ? openDiagnosis(about, await open(), now) : listeningDiagnosis(about, bound);
  });
  return "value" in found ? found.value : found.diagnosis;
}

async function listeningDiagnosis(about: string, bound: SlotBinding): Promise<Diagnosis> {
  const places = bound.by === "connection" ? addresses(bound.connection) : [];
  for (const place of places) await probe(place);
  const list = places.map(({ host, port }) => `${host}:${port}`).join(", ");
  return { about, state: "ok", finding: `${list} answers (the login is not tried by this version)` };
}

async function openDiagnosis(about: string, open: OpenConnection, now: () => number): Promise<Diagnosis> {
  if (open.kind === "duckdb") {
    const emulates = open.emulates === undefined ? "" : `, emulating ${open.emulates}`;
    return { about, state: "ok", finding: `DuckDB ${open.duckdb.version}${emulates}` };
  }
  if (open.kind === "mysql") {
    return { about, state: "ok", finding: `${open.server === "starrocks" ? "StarRocks" : "MySQL"} ${open.mysql.version}` };
  }
  if (open.kind === "hive") return { about, state: "ok", finding: `Hive ${open.hive.version}` };
  if (open.kind === "mongodb") return { about, state: "ok", finding: `MongoDB ${open.mongo.version}` };
  if (open.kind === "kafka") return kafkaDiagnosis(about, open.kafka);
  const before = now();
  const [row] = await open.pg.query<{ at: string; may: boolean }>(
    `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text AS at,
            has_database_privilege(current_database(), 'CREATE') AS may`,
  );
  const skew = Number(row?.at) - (before + now()) / 2;
  const { version, timescale, embedded } = open.pg.server;
  const server = `PostgreSQL ${version}${timescale === undefined ? "" : ` with TimescaleDB ${timescale}`}${embedded ? ", embedded" : ""}`;
  return verdict(about, server, skew, row?.may === true);
}

async function kafkaDiagnosis(about: string, kafka: Kafka): Promise<Diagnosis> {
  const topics = (await kafka.topics()).filter(({ internal }) => !internal);
  const partitions = topics.flatMap((topic) => topic.partitions);
  const { version, brokers } = kafka.server;
  const finding = `Kafka${version === undefined ? "" : ` ${version} or newer`}, ${count(brokers, "broker")}, ${count(topics.length, "topic")}`;
  const leaderless = partitions.filter(({ leader }) => leader < 0).length;
  const late = partitions.filter(({ replicas, inSync }) => inSync.length < replicas.length).length;
  if (leaderless + late === 0) return { about, state: "ok", finding };
  const trouble = `${finding}; ${count(leaderless, "partition")} without a leader, ${late} with replicas that are behind`;
  return {
    about,
    state: leaderless > 0 ? "fail" : "warn",
    finding: trouble,
    fix: "Look whether all brokers run, and what their logs say.",
  };
}

/** Freshness checks compare the two clocks, so a minute between them is worth a word. */
const muchSkew = 60_000;

function verdict(about: string, server: string, skew: number, mayCreate: boolean): Diagnosis {
  if (!mayCreate) {
    const fix = "GRANT CREATE ON DATABASE … TO the connection's user; without it migrations cannot make schemas.";
    return { about, state: "warn", finding: `${server}; the user may not create schemas`, code: "DW-PERMISSION", fix };
  }
  if (Math.abs(skew) < muchSkew) return { about, state: "ok", finding: server };
  const seconds = Math.round(skew / 1000);
  return {
    about,
    state: "warn",
    finding: `${server}; its clock is ${Math.abs(seconds)} s ${seconds > 0 ? "ahead" : "behind"}`,
    fix: "Set both clocks by NTP: freshness compares them.",
  };
}

type Attempt<T> = { readonly value: T } | { readonly diagnosis: Diagnosis };

/** Letters become findings; anything else is a bug and goes up. */
async function attempt<T>(about: string, work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    const letters = (error instanceof AggregateError ? error.errors : [error]) as readonly unknown[];
    const [first, ...others] = letters.filter(isDwError);
    if (first === undefined || others.length + 1 < letters.length) throw error;
    return { diagnosis: failed(about, first, others.length) };
  }
}

function failed(about: string, letter: DwError, more: number): Diagnosis {
  const rest = more === 0 ? "" : ` (and ${more} more)`;
  return { about, state: "fail", finding: `${letter.what} ${letter.why}${rest}`, code: letter.code, fix: letter.fix };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}
