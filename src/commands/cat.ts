import { Args, Flags } from "@oclif/core";
import { SourceCommand, sourceFlags } from "../cli/source-command.js";

export default class Cat extends SourceCommand<typeof Cat> {
  static override summary = "Print the rows of any source.";
  static override description =
    "SOURCE is NAME:REST: a format and a path (iceberg:PATH, paimon:PATH, parquet:GLOB, csv:GLOB, jsonl:GLOB, orc:GLOB, avro:GLOB; CSV of another dialect: csv,dialect=spark|mysql|postgres|hive,header=no,null=TEXT,…:GLOB), or a connection of dw.config.ts and a table.";
  static override examples = [
    "<%= config.bin %> cat iceberg:exports/orders --where \"day >= DATE '2024-01-01'\" --limit 20",
    "<%= config.bin %> cat paimon:exports/ods_orders --ref before-migration --format csv",
  ];
  static override args = { source: Args.string({ required: true, description: "NAME:REST" }) };
  static override flags = {
    ...sourceFlags,
    columns: Flags.string({ summary: "Columns, in this order, separated by commas.", helpValue: "A,B,…" }),
    where: Flags.string({ summary: "A DuckDB expression; only rows for which it is true.", helpValue: "PREDICATE" }),
    limit: Flags.integer({ summary: "Stop after so many rows.", min: 0, helpValue: "N" }),
    format: Flags.option({ options: ["jsonl", "csv", "parquet", "table"] as const })({
      summary: "Default: table on a terminal, else jsonl.",
    }),
  };

  override async run(): Promise<void> {
    const { cat } = await import("../app/cat.js");
    const { columns, where, limit } = this.flags;
    const table = await this.openSource(this.args.source);
    const format = this.flags.json ? "jsonl" : (this.flags.format ?? (process.stdout.isTTY === true ? "table" : "jsonl"));
    const request = {
      format,
      ...(columns !== undefined && { columns: columns.split(",") }),
      ...(where !== undefined && { where }),
      ...(limit !== undefined && { limit }),
    };
    await cat(table, request, (piece) => this.stream(piece), this.signal);
  }
}
