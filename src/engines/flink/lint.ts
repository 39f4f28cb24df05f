import type { CatalogObject } from "../../core/catalog.js";
import type { Finding } from "../../core/finding.js";
import { type FlinkObject, flinkObject, type TableBody } from "./body.js";

/** What Flink or its connectors refuse when a job starts, and secrets that would stand in a text that people read. */
export function lint(objects: readonly CatalogObject[]): readonly Finding[] {
  return objects.map(flinkObject).flatMap((object) => (object.kind === "table" ? tableFindings(object) : []));
}

/** Options without which a connector does not start. Source: the connectors' manuals. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  kafka: ["topic", "properties.bootstrap.servers"],
  "upsert-kafka": ["topic", "properties.bootstrap.servers", "key.format", "value.format"],
  "mysql-cdc": ["hostname", "username", "password", "database-name", "table-name"],
  starrocks: ["jdbc-url", "load-url", "database-name", "table-name", "username", "password"],
  jdbc: ["url", "table-name"],
  filesystem: ["path", "format"],
};

function tableFindings({ model, name, body }: FlinkObject & { readonly kind: "table" }): Finding[] {
  const place = model ?? name.join(".");
  const error = (rule: string, message: string, fix: string): Finding => ({
    rule: `flink/${rule}`,
    severity: "error",
    message: `${place}: ${message}.`,
    fix,
    place,
  });
  const connector = String(body.properties.connector);
  const missing = (NEEDED[connector] ?? []).filter((option) => !Object.hasOwn(body.properties, option));
  return [
    ...missing.map((option) => error("option-missing", `the connector ${connector} needs ${option}`, `Set it in properties.`)),
    ...secretFindings(body, error),
    ...(connector === "upsert-kafka" && body.key.length === 0
      ? [error("key-missing", "upsert-kafka needs a primary key", "Give the model a key.")]
      : []),
    ...(connector === "mysql-cdc" && body.key.length === 0
      ? [error("key-missing", "mysql-cdc reads in chunks by key, and the model has none", "Give the model a key.")]
      : []),
    ...watermarkFindings(body, error),
  ];
}

type Says = (rule: string, message: string, fix: string) => Finding;

function secretFindings({ properties }: TableBody, error: Says): Finding[] {
  const told = Object.entries(properties).filter(
    ([name, value]) => /password|secret/i.test(name) && typeof value === "string" && !/^\$\{[^}]+\}$/.test(value),
  );
  return told.map(([name]) =>
    error(
      "secret-in-text",
      `${name} stands in the text of the job`,
      `Write a variable of the platform that runs it, such as \${DB_PASSWORD}.`,
    ),
  );
}

function watermarkFindings({ watermark, columns }: TableBody, error: Says): Finding[] {
  if (!watermark) return [];
  const type = columns.find(({ name }) => name === watermark.column)?.type ?? "";
  const fits = /^TIMESTAMP(_LTZ)?\([0-3]\)$/.test(type);
  const interval = /^\d+\s*(SECOND|MINUTE|HOUR|DAY)S?$/i.test(watermark.delay.trim());
  return [
    ...(fits
      ? []
      : [
          error(
            "watermark-type",
            `the watermark column ${watermark.column} is ${type || "missing"}`,
            "Use a timestamp of at most 3 digits.",
          ),
        ]),
    ...(interval
      ? []
      : [error("watermark-delay", `${watermark.delay} is no delay`, "Write it as `5 SECOND`, in seconds, minutes, hours or days.")]),
  ];
}
