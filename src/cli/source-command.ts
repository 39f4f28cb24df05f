import { type Command, Flags } from "@oclif/core";
import type { SourceTable } from "../core/source.js";
import { DwCommand } from "./base-command.js";
import { session } from "./session.js";

/** Which state of a source is meant, and as what its texts are read. */
export const sourceFlags = {
  snapshot: Flags.string({ summary: "Snapshot of an Iceberg or Paimon table.", helpValue: "ID" }),
  ref: Flags.string({ summary: "Tag or branch.", helpValue: "NAME" }),
  "as-of": Flags.string({ summary: "The state at a time, such as 2024-06-30T12:00:00Z.", helpValue: "TIME" }),
  model: Flags.string({ summary: "Model whose columns type a source without types (CSV).", helpValue: "NAME" }),
};

interface SourceFlags {
  readonly snapshot?: string;
  readonly ref?: string;
  readonly "as-of"?: string;
  readonly model?: string;
  readonly cwd?: string;
  readonly warehouse?: string;
}

/** A command about one SOURCE, with `...sourceFlags` among its flags. */
export abstract class SourceCommand<T extends typeof Command> extends DwCommand<T> {
  /** Opened as the flags say, and closed when the command ends. A project is looked for only when the source needs one. */
  protected async openSource(source: string): Promise<SourceTable> {
    const { openRequestedSource } = await import("../app/source.js");
    const flags = this.flags as SourceFlags; // T's flags contain sourceFlags
    const { snapshot, ref, model, warehouse, "as-of": asOf } = flags;
    const table = await openRequestedSource(
      {
        source,
        cwd: flags.cwd ?? process.cwd(),
        ...(snapshot !== undefined && { snapshot }),
        ...(ref !== undefined && { ref }),
        ...(asOf !== undefined && { asOf }),
        ...(model !== undefined && { model }),
        ...(warehouse !== undefined && { warehouse }),
      },
      {
        project: () => this.project(),
        connections: async () => (await this.project()).connect(await this.environment()),
        signal: () => this.signal,
        redactor: session.redactor,
        variables: process.env,
      },
    );
    this.closing(() => table.close());
    return table;
  }
}
