import { Flags } from "@oclif/core";
import { reading, readingFlags, selection, selectionFlags } from "../../cli/backfill-flags.js";
import { DwCommand } from "../../cli/base-command.js";

export default class BackfillVerify extends DwCommand<typeof BackfillVerify> {
  static override summary = "Read the source again, recount the target and compare.";
  static override strict = false;
  static override usage = "backfill verify NAME...";
  static override flags = {
    ...selectionFlags,
    ...readingFlags,
    recopy: Flags.boolean({ summary: "Take out and copy again the rows that differ, in one commit, and compare once more." }),
  };
  static override examples = [
    "<%= config.bin %> backfill verify sensor_history",
    "<%= config.bin %> backfill verify sensor_history --recopy",
  ];

  override async run(): Promise<void> {
    const environment = await this.environment();
    const { verifyBackfill } = await import("../../app/backfills/run.js");
    const { backfillTable } = await import("../../present/backfill.js");
    const reports = await verifyBackfill(
      {
        project: await this.project(),
        environment,
        names: this.words,
        ...selection(this.flags),
        signal: this.signal,
        conversation: this.conversation,
        now: Date.now,
      },
      reading({ ...this.flags, concurrency: undefined }),
    );
    await this.answer(reports, () => backfillTable(reports));
    if (reports.some(({ verdict }) => verdict !== "equal")) this.outcome("found");
  }
}
