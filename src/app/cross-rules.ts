import { type CatalogObject, catalogEnvironments, catalogFor, type Catalog as WarehouseCatalog } from "../core/catalog.js";
import { durationText, parseDuration } from "../core/duration.js";
import type { Finding } from "../core/finding.js";
import { instantOf } from "../core/instant.js";
import type { BackfillModel, Model } from "../core/model.js";
import { approximateMicroseconds, parseInterval } from "../engines/postgres/interval.js";
import { rawSqlFindings } from "./raw-sql.js";

/*
 * Rules between objects, over all engines of a warehouse: each object is legal, each engine accepts it, and together they
 * lose rows. An engine's own rules (min.insync.replicas, keys of compacted topics, colocation groups, retention inside a
 * continuous aggregate's window) are in its lint.
 */

/** `now` decides how old the oldest row of a backfill is. */
export function crossFindings(models: readonly Model[], catalog: WarehouseCatalog, now: Date): Finding[] {
  const found = new Map<string, Finding>();
  for (const environment of ["default", ...catalogEnvironments(catalog)]) {
    const { objects } = catalogFor(catalog, environment);
    for (const finding of findingsOf({ models, objects, now })) {
      // What holds everywhere is said once; what only one environment breaks names it.
      const known = [...found.values()].some(({ rule, place }) => rule === finding.rule && place === finding.place);
      if (known) continue;
      found.set(`${environment} ${finding.message}`, environment === "default" ? finding : inEnvironment(finding, environment));
    }
  }
  return [...found.values()];
}

function inEnvironment(finding: Finding, environment: string): Finding {
  return { ...finding, message: `${finding.message} (In the environment ${environment}.)` };
}

interface Facts {
  readonly models: readonly Model[];
  /** Holes are filled. */
  readonly objects: readonly CatalogObject[];
  readonly now: Date;
}

function findingsOf(facts: Facts): Finding[] {
  return [...viewRetention(facts), ...backfillRetention(facts), ...topicFreshness(facts), ...rawSqlFindings(facts)];
}

// ------------------------------------------------------------------------------------------------ how long rows stay

interface Kept {
  readonly ms: number;
  /** `partition_ttl = 12 MONTH`. */
  readonly says: string;
}

type Body = Readonly<Record<string, unknown>>;

/** The shortest time for which an object keeps its rows; undefined: for ever, or as long as we cannot tell. */
function kept(object: CatalogObject): Kept | undefined {
  const all = (keepers[object.slot]?.(object.body as Body) ?? []).filter((one): one is Kept => one !== undefined);
  return all.sort((a, b) => a.ms - b.ms)[0];
}

const keepers: Readonly<Record<string, (body: Body) => (Kept | undefined)[]>> = {
  starrocks: (body) => {
    const properties = textsOf(body.properties);
    const unit = partitionUnit(body) ?? properties["dynamic_partition.time_unit"]?.toLowerCase();
    return [
      period("partition_ttl", properties.partition_ttl),
      partitions("partition_live_number", Number(properties.partition_live_number), unit),
      properties["dynamic_partition.enable"] === "true"
        ? partitions("dynamic_partition.start", -Number(properties["dynamic_partition.start"]), unit)
        : undefined,
    ];
  },
  timescale: (body) => [period("retention", (body.policies as Body | undefined)?.retention)],
  kafka: (body) => [topicRetention(textsOf(body.config))],
};

const DEFAULT_TOPIC_MS = 604_800_000; // log.retention.hours = 168

function topicRetention(config: Readonly<Record<string, string>>): Kept | undefined {
  if (config["cleanup.policy"] === "compact") return undefined;
  const ms = Number(config["retention.ms"] ?? DEFAULT_TOPIC_MS);
  if (!(ms >= 0)) return undefined;
  return { ms, says: config["retention.ms"] === undefined ? "the broker's default retention of 7 days" : `retention.ms = ${ms}` };
}

function period(name: string, text: unknown): Kept | undefined {
  if (typeof text !== "string") return undefined;
  const interval = parseInterval(text.toLowerCase());
  return interval && { ms: approximateMicroseconds(interval) / 1000, says: `${name} = ${text}` };
}

function partitions(name: string, count: number, unit: string | undefined): Kept | undefined {
  if (!(count > 0) || unit === undefined) return undefined;
  const one = parseInterval(`1 ${unit}`);
  return one && { ms: (count * approximateMicroseconds(one)) / 1000, says: `${name}, ${count} partitions of one ${unit}` };
}

function partitionUnit({ partition }: Body): string | undefined {
  const { expressions = [] } = (partition ?? {}) as { readonly expressions?: readonly Body[] };
  const unit = (Array.isArray(partition) ? (partition as Body[]) : expressions).find((expression) => "unit" in expression)?.unit;
  return typeof unit === "string" ? unit : undefined;
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries((value ?? {}) as Body).map(([name, text]) => [name, String(text)]));
}

const nameOf = (object: CatalogObject): string => object.model ?? object.name.join(".");

// ------------------------------------------------------------------------------------------------ materialized views

/** A partition that its base table drops goes from the view at the next refresh, whatever the view promises. */
function viewRetention({ objects }: Facts): Finding[] {
  const byId = new Map(objects.map((object) => [object.id, object]));
  return objects.flatMap((view) => {
    if (view.slot !== "starrocks" || view.kind !== "materialized-view") return [];
    const own = kept(view);
    return view.dependsOn.flatMap((id) => {
      const base = byId.get(id);
      const limit = base && base.kind !== "database" ? kept(base) : undefined;
      if (!base || limit === undefined || (own !== undefined && own.ms <= limit.ms)) return [];
      const promise = own === undefined ? "keeps its rows for ever" : `keeps its rows by ${own.says}`;
      return [
        {
          rule: "cross/view-outlives-base",
          severity: own === undefined ? ("warning" as const) : ("error" as const),
          message: `${nameOf(view)} ${promise}, but ${nameOf(base)} drops its own by ${limit.says}: the next refresh drops them from the view too.`,
          fix: `Give ${nameOf(view)} a partitionTtl that is not longer, or keep the rows of ${nameOf(base)} as long as the view needs them.`,
          place: nameOf(view),
        },
      ];
    });
  });
}

// ------------------------------------------------------------------------------------------------ backfills

function backfillRetention({ models, objects, now }: Facts): Finding[] {
  return models.flatMap((model) => {
    if (model.model !== "backfill" || model.since === undefined) return [];
    const since = instantOf(model.since, "UTC");
    if (since === undefined) return [];
    const age = now.getTime() - since;
    return [...targetRetention(model, age, objects), ...sourceRetention(model, age, objects)];
  });
}

function targetRetention(model: BackfillModel, age: number, objects: readonly CatalogObject[]): Finding[] {
  const targets = objects.filter(
    (object) => object.model === model.to && object.kind === "table" && (model.slot ?? object.slot) === object.slot,
  );
  return targets.flatMap((target) => {
    const limit = kept(target);
    if (limit === undefined || age <= limit.ms) return [];
    return [
      {
        rule: "cross/backfill-older-than-retention",
        severity: "error" as const,
        message: `${model.name} brings rows since ${model.since} (${durationText(age)} ago) into ${nameOf(target)}, which drops rows by ${limit.says}: what was loaded is deleted again.`,
        fix: `Let ${model.name} begin later (\`since\`), or let ${nameOf(target)} keep its rows longer.`,
        place: model.name,
      },
    ];
  });
}

/** `CONNECTION:TOPIC`, where the topic is one of the warehouse's. */
function sourceRetention(model: BackfillModel, age: number, objects: readonly CatalogObject[]): Finding[] {
  const source = typeof model.from === "string" ? model.from.replace(/^[^:]*:/, "") : undefined;
  const topics = objects.filter(
    ({ slot, kind, name, model: own }) => slot === "kafka" && kind === "topic" && [name[0], own].includes(source),
  );
  return topics.flatMap((topic) => {
    const limit = kept(topic);
    if (limit === undefined || age <= limit.ms) return [];
    return [
      {
        rule: "cross/topic-shorter-than-backfill",
        severity: "error" as const,
        message: `${model.name} reads messages since ${model.since} (${durationText(age)} ago) from ${nameOf(topic)}, which drops them by ${limit.says}.`,
        fix: `Raise retention.ms of ${nameOf(topic)}, or fill what is older from another source.`,
        place: model.name,
      },
    ];
  });
}

// ------------------------------------------------------------------------------------------------ freshness

/** A consumer may be late by as much as was promised; messages have to be there for that long. */
function topicFreshness({ models, objects }: Facts): Finding[] {
  const topics = objects.filter(({ slot, kind }) => slot === "kafka" && kind === "topic");
  return topics.flatMap((topic) => {
    const limit = kept(topic);
    if (limit === undefined) return [];
    return readersOf(topic, models, objects).flatMap(({ name, within }) => {
      if (within <= limit.ms) return [];
      return [
        {
          rule: "cross/topic-shorter-than-freshness",
          severity: "error" as const,
          message: `${name} may be ${durationText(within)} late, and ${nameOf(topic)} drops messages by ${limit.says}: messages that nobody has read yet are gone while every check is still green.`,
          fix: `Raise retention.ms of ${nameOf(topic)} above ${durationText(within)}, or promise ${name} sooner.`,
          place: nameOf(topic),
        },
      ];
    });
  });
}

interface Promise {
  readonly name: string;
  /** Milliseconds. */
  readonly within: number;
}

/** The topic's own promise, and those of the tables that routine loads fill from it. */
function readersOf(topic: CatalogObject, models: readonly Model[], objects: readonly CatalogObject[]): Promise[] {
  const loads = objects.filter(({ kind, dependsOn }) => kind === "routine-load" && dependsOn.includes(topic.id));
  const filled = objects.filter(({ kind, id }) => kind === "table" && loads.some(({ dependsOn }) => dependsOn.includes(id)));
  const names = new Set([topic.model, ...filled.map(({ model }) => model)]);
  return models.flatMap((model) => {
    const fresh = names.has(model.name) && "fresh" in model ? model.fresh : undefined;
    return fresh === undefined ? [] : [{ name: model.name, within: parseDuration(fresh.within) }];
  });
}
