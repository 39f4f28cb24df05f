import { Flags } from "@oclif/core";
import { selection, selectionFlags } from "../../cli/backfill-flags.js";
import { DwCommand } from "../../cli/base-command.js";

export default class BackfillReset extends DwCommand<typeof BackfillReset> {
  static override summary = "Forget what was loaded, to start over.";
  static override strict = false;
  static override usage = "backfill reset NAME...";
  static override flags = {
    ...selectionFlags,
    empty: Flags.boolean({ summary: "Empty the target table at the same moment; without it a table with rows is refused." }),
  };

  override async run(): Promise<void> {
    const environment = await this.environment();
    const { resetBackfill } = await import("../../app/backfills/run.js");
    const call = {
      project: await this.project(),
      environment,
      names: this.words,
      ...selection(this.flags),
      signal: this.signal,
      conversation: this.conversation,
      now: Date.now,
    };
    const reports = await resetBackfill(call, this.flags.empty);
    await this.answer(reports, () =>
      reports
        .map(({ backfill, target, emptied }) => `${backfill}: forgotten${emptied ? `; ${target} is empty` : ""} (${environment.name})`)
        .join("\n"),
    );
  }
}
