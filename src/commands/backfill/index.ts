import { Flags } from "@oclif/core";
import { reading, readingFlags, selection, selectionFlags } from "../../cli/backfill-flags.js";
import { DwCommand } from "../../cli/base-command.js";

export default class Backfill extends DwCommand<typeof Backfill> {
  static override summary = "Load history chunk by chunk, each exactly once, and reconcile it.";
  static override strict = false;
  static override usage = ["backfill [run] NAME...", "backfill --source SOURCE --target TARGET"];
  static override flags = {
    ...selectionFlags,
    ...readingFlags,
    concurrency: Flags.integer({ summary: "Chunks that are loaded at once.", min: 1, max: 64 }),
    "dry-run": Flags.boolean({ summary: "Say what would be read and how it would travel; touch nothing." }),
  };
  static override examples = ["<%= config.bin %> backfill sensor_history", "<%= config.bin %> backfill sensor_history --dry-run"];

  override async run(): Promise<void> {
    const names = this.words[0] === "run" ? this.words.slice(1) : this.words;
    const environment = await this.environment();
    const app = await import("../../app/backfills/run.js");
    const present = await import("../../present/backfill.js");
    const call = {
      project: await this.project(),
      environment,
      names,
      ...selection(this.flags),
      signal: this.signal,
      conversation: this.conversation,
      now: Date.now,
    };
    if (this.flags["dry-run"]) {
      const plans = await app.dryRun(call, reading(this.flags));
      return this.answer(plans, () => present.dryRunText(plans));
    }
    const reports = await app.backfill(call, reading(this.flags));
    await this.answer(reports, () => present.backfillTable(reports));
    if (reports.some(({ verdict }) => verdict !== "equal")) this.outcome("found");
  }
}
