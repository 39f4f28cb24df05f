import { Args } from "@oclif/core";
import * as Flags from "@oclif/core/flags";
import { SourceCommand } from "../cli/source-command.js";

export default class Import extends SourceCommand<typeof Import> {
  static override summary = "Write models of what exists already.";
  static override description =
    "SOURCE is ddl:FILE (CREATE statements in the SQL of --engine), odcs:FILE (an Open Data Contract, version 3), CONNECTION: (everything in it), CONNECTION:SCHEMA or CONNECTION:SCHEMA.TABLE of a connection of dw.config.ts, or a source of rows such as iceberg:PATH, which becomes a source to read from. Each model is resolved again and compared with what it came from: what a model cannot say is listed and noted in its file, and dw exits 1. Files that are there already are never overwritten. Layers, owners and grains are for you to add.";
  static override args = { source: Args.string({ required: true, description: "NAME:REST" }) };
  static override flags = {
    out: Flags.string({ summary: "Folder of the warehouses' folders.", default: "models", helpValue: "DIR" }),
    engine: Flags.string({
      summary: "Whose SQL a ddl: file is, as which engine a PostgreSQL is read, or where a contract's tables are.",
      helpValue: "NAME",
    }),
    name: Flags.string({ summary: "What a source is to be called; the last part of its path when absent.", helpValue: "NAME" }),
    "dry-run": Flags.boolean({ summary: "Write nothing; show the files." }),
  };
  static override examples = [
    "<%= config.bin %> import ddl:schema.sql --engine starrocks --warehouse sales",
    "<%= config.bin %> import legacy:public --warehouse sales",
    "<%= config.bin %> import iceberg:exports/orders --dry-run",
  ];

  override async run(): Promise<void> {
    const { importModels } = await import("../app/import/index.js");
    const { importText } = await import("../present/imported.js");
    const { isConnection } = await import("../app/source.js");
    const { out, engine, name, warehouse, cwd = process.cwd(), "dry-run": dryRun } = this.flags;
    const report = await importModels(
      {
        source: this.args.source,
        warehouse: warehouse ?? "imported",
        out,
        cwd,
        dryRun,
        ...(engine !== undefined && { engine }),
        ...(name !== undefined && { name }),
      },
      {
        isConnection: (name) => isConnection(name, { project: () => this.project() }),
        connections: () => this.connections(),
        openSource: (source) => this.openSource(source),
      },
    );
    await this.answer(report, () => importText(report, dryRun));
    if (report.unsaid.length > 0) this.outcome("found");
  }
}
