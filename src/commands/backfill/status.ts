import { selection, selectionFlags } from "../../cli/backfill-flags.js";
import { DwCommand } from "../../cli/base-command.js";

export default class BackfillStatus extends DwCommand<typeof BackfillStatus> {
  static override summary = "What the ledger says: chunks and rows that have been loaded.";
  static override strict = false;
  static override usage = "backfill status NAME...";
  static override flags = selectionFlags;

  override async run(): Promise<void> {
    const environment = await this.environment();
    const { backfillStatus } = await import("../../app/backfills/run.js");
    const { statusTable } = await import("../../present/backfill.js");
    const reports = await backfillStatus({
      project: await this.project(),
      environment,
      names: this.words,
      ...selection(this.flags),
      signal: this.signal,
      conversation: this.conversation,
      now: Date.now,
    });
    await this.answer(reports, () => statusTable(reports));
  }
}
