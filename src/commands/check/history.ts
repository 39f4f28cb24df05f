import * as Flags from "@oclif/core/flags";
import { DwCommand } from "../../cli/base-command.js";

export default class History extends DwCommand<typeof History> {
  static override summary = "What checks said in earlier runs, newest first; passes too.";
  static override flags = {
    model: Flags.string({ summary: "Only checks of this model.", helpValue: "NAME" }),
    check: Flags.string({ summary: "Only the check of this name.", helpValue: "NAME" }),
    limit: Flags.integer({ summary: "At most this many outcomes.", default: 50, min: 1 }),
  };

  override async run(): Promise<void> {
    const { openState } = await import("../../app/state.js");
    const { historyTable } = await import("../../present/outcomes/history.js");
    const project = await this.project();
    const environment = await this.environment();
    const state = await openState(project.connect(environment));
    const { model, check, limit } = this.flags;
    const records = await Promise.all(
      (await project.someWarehouses(this.flags.warehouse)).map((warehouse) =>
        state.checkHistory({ warehouse, limit, ...(model !== undefined && { model }), ...(check !== undefined && { check }) }),
      ),
    );
    const newest = records.flat().sort((a, b) => (a.at < b.at ? 1 : -1));
    await this.answer({ environment: environment.name, records: newest }, () => historyTable(newest, environment.name));
  }
}
