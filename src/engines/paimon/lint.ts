import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { Finding } from "../../core/finding.js";
import type { TableBody } from "../flink/body.js";

/** What Paimon refuses when a table is created (SchemaValidation), and what it accepts and then answers wrongly. */
export function lint(objects: readonly CatalogObject[]): readonly Finding[] {
  return objects
    .filter(({ kind }) => kind === "table")
    .flatMap((object) => tableFindings(object.model ?? displayName(object.name), object.body as TableBody)); // made by resolve
}

const AGGREGATES = new Set(
  "sum product count max min last_value last_non_null_value listagg bool_and bool_or first_value first_non_null_value rbm32 rbm64 nested_update collect merge_map theta_sketch hll_sketch".split(
    " ",
  ),
);

type Says = (rule: string, message: string, fix: string, severity?: Finding["severity"]) => Finding;
type Rule = (body: TableBody, set: (name: string) => string | undefined, says: Says) => readonly Finding[];

function tableFindings(place: string, body: TableBody): Finding[] {
  const says: Says = (rule, message, fix, severity = "error") => ({
    rule: `paimon/${rule}`,
    severity,
    message: `${place}: ${message}.`,
    fix,
    place,
  });
  const set = (name: string): string | undefined => (typeof body.properties[name] === "string" ? body.properties[name] : undefined);
  return [keys, buckets, merging, sequences, aggregates].flatMap((rule) => rule(body, set, says));
}

const keys: Rule = ({ key, partitions, columns }, set, says) => {
  const outside = partitions.filter((column) => !key.includes(column));
  const nullable = columns.filter((column) => key.includes(column.name) && column.nullable);
  return [
    ...(key.length > 0 && outside.length > 0 && Number(set("bucket") ?? "-1") > 0
      ? [
          says(
            "key-partition",
            `the key lacks the partition columns ${outside.join(", ")}`,
            "Put them into the key, or let Paimon decide on buckets (-1).",
          ),
        ]
      : []),
    ...(key.length > 0 && key.every((column) => partitions.includes(column))
      ? [says("key-is-partition", "the key has only partition columns", "A partition would hold one row: partition by fewer columns.")]
      : []),
    ...nullable.map(({ name }) => says("key-null", `the key column ${name} may be NULL`, "Remove .nullable().")),
  ];
};

const buckets: Rule = ({ key, partitions }, set, says) => {
  const bucketKey = set("bucket-key")?.split(",") ?? [];
  const outside = key.length === 0 ? [] : bucketKey.filter((column) => !key.includes(column) || partitions.includes(column));
  const bucket = Number(set("bucket") ?? "-1");
  return [
    ...outside.map((column) =>
      says("bucket-key", `the bucket key ${column} is not in the key outside its partitions`, "Choose columns of the key."),
    ),
    ...(bucketKey.length > 0 && bucket < 1 ? [says("bucket-count", "a bucket key needs a fixed number of buckets", "Set bucket.")] : []),
    ...(key.length === 0 && bucket > 0 && bucketKey.length === 0
      ? [says("bucket-key-missing", "an append table with buckets needs a bucket key", "Set bucketKey, or bucket: -1.")]
      : []),
    ...(bucket === 0 || bucket < -2 ? [says("bucket-count", `${bucket} is no number of buckets`, "Give a number from 1, or -1.")] : []),
  ];
};

const merging: Rule = ({ key }, set, says) => {
  const merge = set("merge-engine");
  const changelog = set("changelog-producer") ?? "none";
  const complete = changelog === "lookup" || changelog === "full-compaction";
  return [
    ...(key.length === 0 && merge !== undefined
      ? [says("merge-without-key", `the merge engine ${merge} needs a primary key`, 'Say table: "primary".')]
      : []),
    ...(key.length === 0 && changelog !== "none"
      ? [says("changelog-without-key", "an append table has no changelog", "Leave changelog out.")]
      : []),
    ...((merge === "partial-update" || merge === "aggregation") && !complete
      ? [
          says(
            "changelog-incomplete",
            `with ${merge} and changelog ${changelog}, streaming readers see the parts, not the merged rows`,
            'Say changelog: "lookup".',
            "warning",
          ),
        ]
      : []),
    ...(merge === "first-row" && changelog !== "none" && changelog !== "lookup"
      ? [says("first-row-changelog", `first-row cannot make the changelog ${changelog}`, 'Say "none" or "lookup".')]
      : []),
  ];
};

const sequences: Rule = ({ columns }, set, says) => {
  const fields = set("sequence.field")?.split(",") ?? [];
  const missing = fields.filter((field) => !columns.some(({ name }) => name === field));
  return [
    ...missing.map((field) => says("sequence-column", `the sequence field ${field} is no column`, "Name one of the model's columns.")),
    ...(fields.length > 0 && set("merge-engine") === "first-row"
      ? [says("sequence-first-row", "first-row keeps what came first: it has no sequence", "Leave sequence out.")]
      : []),
  ];
};

const aggregates: Rule = ({ properties }, set, says) =>
  Object.keys(properties).flatMap((name) => {
    const [, column] = /^fields\.(.+)\.aggregate-function$/.exec(name) ?? [];
    const own = set(name) ?? "";
    if (column === undefined) return [];
    if (set("merge-engine") !== "aggregation" && set("merge-engine") !== "partial-update")
      return [says("aggregate-engine", `${column} has an aggregate function without aggregation`, 'Say merge: "aggregation".')];
    return AGGREGATES.has(own)
      ? []
      : [says("aggregate-function", `${own} of ${column} is no aggregate function`, `One of ${[...AGGREGATES].join(", ")}.`)];
  });
