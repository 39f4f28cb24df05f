import type { Finding } from "../../../core/finding.js";
import { type ClusterObject, isSecret, type Settings } from "./body.js";

/*
 * What the engine refuses of objects that are no tables, by its own analyzers (ResourceGroup, CreateRoutineLoadStmt,
 * StorageVolumeMgr, CatalogMgr of branch 4.0), and passwords that stand in a model in the open.
 */

export type ClusterProblem = Pick<Finding, "message" | "fix"> & { readonly rule: string; readonly severity?: Finding["severity"] };

export function lintCluster(objects: readonly ClusterObject[]): Finding[] {
  return objects.flatMap((object) => {
    const place = object.model ?? object.name.join(".");
    return [...problemsOf(object), ...openSecrets(object)].map(({ rule, message, fix, severity = "error" }) => ({
      rule: `starrocks/${rule}`,
      severity,
      message: `${place}: ${message}`,
      fix,
      place,
    }));
  });
}

function problemsOf(object: ClusterObject): ClusterProblem[] {
  switch (object.kind) {
    case "external-catalog":
      return catalogProblems(object.body.properties);
    case "storage-volume":
      return volumeProblems(object.body);
    case "resource-group":
      return groupProblems(object.body);
    case "routine-load":
      return loadProblems(object.body);
    case "role":
      return ["root", "db_admin", "cluster_admin", "user_admin", "security_admin", "public"].includes(object.name[0]?.toLowerCase() ?? "")
        ? [{ rule: "role-builtin", message: "the role belongs to the engine.", fix: "Choose another name." }]
        : [];
    case "user":
    case "pipe":
      return [];
  }
}

const text = (settings: Settings, name: string): string | undefined => {
  const value = settings[name];
  return value === undefined ? undefined : isSecret(value) ? "" : String(value);
};

const METASTORES = ["hive", "iceberg", "hudi", "deltalake", "paimon", "unified"];

export function catalogProblems(properties: Settings): ClusterProblem[] {
  const type = text(properties, "type") ?? "";
  const fix = "See the manual's page of this catalog type.";
  const needs = (names: readonly string[]): ClusterProblem[] =>
    names.some((name) => text(properties, name) !== undefined)
      ? []
      : [{ rule: "catalog-property", message: `an external catalog of type ${type} says ${names.join(" or ")}.`, fix }];
  if (type === "jdbc") return ["user", "password", "jdbc_uri", "driver_url", "driver_class"].flatMap((name) => needs([name]));
  if (type === "iceberg") return needs(["iceberg.catalog.type"]);
  if (type === "paimon") return needs(["paimon.catalog.type"]);
  return METASTORES.includes(type)
    ? needs(["hive.metastore.uris", "hive.metastore.type", `${type}.metastore.type`, "unified.metastore.type"])
    : [];
}

const SCHEMES: Readonly<Record<string, RegExp>> = {
  S3: /^s3:\/\//,
  HDFS: /^[a-z][a-z0-9]*:/, // whatever a Hadoop file system is called
  AZBLOB: /^azblob:\/\//,
  ADLS2: /^adls2:\/\//,
  GS: /^gs:\/\//,
};

export function volumeProblems({ type, locations }: Extract<ClusterObject, { kind: "storage-volume" }>["body"]): ClusterProblem[] {
  const scheme = SCHEMES[type.toUpperCase()];
  const wrong = locations.filter((location) => scheme && !scheme.test(location));
  return [
    ...(locations.length === 0 ? [{ rule: "storage-volume-location", message: "the volume has no location.", fix: "Give it one." }] : []),
    ...wrong.map((location) => ({
      rule: "storage-volume-location",
      message: `${location} is no place of a volume of type ${type}.`,
      fix: "Give the location the scheme of its type: s3://bucket/path.",
    })),
  ];
}

const CONDITIONS = ["user", "role", "query_type", "source_ip", "db", "plan_cpu_cost_range", "plan_mem_cost_range"];
const QUERY_TYPES = ["SELECT", "INSERT", "MV"];

export function groupProblems({ classifiers, limits }: Extract<ClusterObject, { kind: "resource-group" }>["body"]): ClusterProblem[] {
  const number = (name: string): number | undefined => (limits[name] === undefined ? undefined : Number(limits[name]));
  const [weight, exclusive] = [number("cpu_weight") ?? number("cpu_core_limit"), number("exclusive_cpu_cores")];
  const memory = limits.mem_limit === undefined ? undefined : String(limits.mem_limit);
  const problem = (rule: string, message: string, fix: string): ClusterProblem => ({ rule, message, fix });
  return [
    ...(weight !== undefined && weight > 0 && exclusive !== undefined && exclusive > 0
      ? [problem("resource-group-cpu", "cpu_weight and exclusive_cpu_cores exclude each other.", "Keep one of them.")]
      : []),
    ...(weight === undefined && exclusive === undefined
      ? [problem("resource-group-cpu", "the group has no share of the CPU.", "Set cpu_weight.")]
      : []),
    ...(memory === undefined ? [problem("resource-group-memory", "mem_limit is missing.", 'Set mem_limit, for example "20%".')] : []),
    ...(memory !== undefined && !isShare(memory)
      ? [problem("resource-group-memory", `mem_limit is ${memory}; it is a share above 0 and below 100 %.`, 'Write "20%".')]
      : []),
    ...classifiers.flatMap((classifier) => {
      const entries = Object.entries(classifier);
      const stranger = entries.find(([name]) => !CONDITIONS.includes(name));
      const types = (classifier.query_type ?? "").split(",").map((type) => type.trim().toUpperCase());
      const wrongType = classifier.query_type === undefined ? undefined : types.find((type) => !QUERY_TYPES.includes(type));
      return [
        ...(entries.length === 0 ? [problem("resource-group-classifier", "a classifier says nothing.", "Leave it out.")] : []),
        ...(stranger
          ? [problem("resource-group-classifier", `there is no condition ${stranger[0]}.`, `Use one of ${CONDITIONS.join(", ")}.`)]
          : []),
        ...(wrongType === undefined
          ? []
          : [problem("resource-group-classifier", `there is no query_type ${wrongType}.`, `Use one of ${QUERY_TYPES.join(", ")}.`)]),
      ];
    }),
  ];
}

function isShare(value: string): boolean {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(value.trim())?.[1];
  const share = percent === undefined ? Number(value) : Number(percent) / 100;
  return share > 0 && share < 1;
}

const JOB_PROPERTIES = [
  "desired_concurrent_number max_error_number max_filter_ratio max_batch_interval max_batch_rows max_batch_size log_rejected_record_num",
  "strict_mode timezone partial_update partial_update_mode merge_condition format jsonpaths json_root strip_outer_array trim_space enclose",
  "escape task_consume_second task_timeout_second pause_on_fatal_parse_error confluent.schema.registry.url",
].flatMap((line) => line.split(" "));

function loadProblems({ properties, from }: Extract<ClusterObject, { kind: "routine-load" }>["body"]): ClusterProblem[] {
  const stranger = Object.keys(properties).find((name) => !JOB_PROPERTIES.includes(name));
  const wrong = Object.keys(from).find(
    (name) =>
      !/^(?:kafka_(?:broker_list|topic|partitions|offsets|default_offsets)|property\..+|confluent\.schema\.registry\.url)$/.test(name),
  );
  const brokers = text(from, "kafka_broker_list") ?? "";
  const format = text(properties, "format")?.toLowerCase();
  const isNumber = (name: string, min: number): ClusterProblem[] => {
    const value = text(properties, name);
    const fits = value === undefined || (/^\d+$/.test(value) && Number(value) >= min);
    return fits
      ? []
      : [{ rule: "routine-load-value", message: `${name} is ${value}; it is a whole number from ${min}.`, fix: "Correct it." }];
  };
  return [
    ...(stranger === undefined
      ? []
      : [{ rule: "routine-load-property", message: `a routine load has no property ${stranger}.`, fix: "Correct its name." }]),
    ...(wrong === undefined
      ? []
      : [{ rule: "routine-load-property", message: `FROM KAFKA has no property ${wrong}.`, fix: "Client settings begin with property." }]),
    ...(/^[^,\s:]+:\d+(?:,[^,\s:]+:\d+)*$/.test(brokers)
      ? []
      : [
          {
            rule: "routine-load-brokers",
            message: `${JSON.stringify(brokers)} are no brokers.`,
            fix: "Write host:port, several with commas.",
          },
        ]),
    ...(format !== undefined && !["csv", "json", "avro"].includes(format)
      ? [{ rule: "routine-load-format", message: `there is no format ${format}.`, fix: "Use csv, json or avro." }]
      : []),
    ...(format === "avro" &&
    text(properties, "confluent.schema.registry.url") === undefined &&
    text(from, "confluent.schema.registry.url") === undefined
      ? [{ rule: "routine-load-format", message: "Avro needs a schema registry.", fix: "Add confluent.schema.registry.url." }]
      : []),
    ...isNumber("desired_concurrent_number", 1),
    ...isNumber("max_error_number", 0),
    ...isNumber("max_batch_interval", 5),
    ...isNumber("max_batch_rows", 200_000),
  ];
}

const SENSITIVE = /(?:password|secret|token|access_key|shared_key|sas_token|credential)/i;

function openSecrets({ body }: ClusterObject): ClusterProblem[] {
  const settings = [...("properties" in body ? Object.entries(body.properties) : []), ...("from" in body ? Object.entries(body.from) : [])];
  const open = settings.filter(
    ([name, value]) => typeof value === "string" && value !== "" && SENSITIVE.test(name) && !/access_key$|_id$/i.test(name),
  );
  return open.map(([name]) => ({
    rule: "secret-in-the-open",
    severity: "warning" as const,
    message: `${name} stands in the model as it is, and so in every migration.`,
    fix: 'Refer to it: env("…"), file("…") or vault("…").',
  }));
}
