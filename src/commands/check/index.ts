import { resolve } from "node:path";
import * as Flags from "@oclif/core/flags";
import { DwCommand } from "../../cli/base-command.js";
import { checkReport, type ReportFormat, reportFormats } from "../../present/outcomes/format.js";

export default class Check extends DwCommand<typeof Check> {
  static override summary = "Check quality and freshness: a gate for schedulers.";
  static override description =
    "All metrics of a table in one scan. Exit 1 when a check fails or cannot be evaluated, 3 when its engine could not be reached; warnings pass unless --fail-on warn. Outcomes are kept in the environment's state store.";
  static override flags = {
    layer: Flags.string({ summary: "Only models of this layer.", helpValue: "LAYER" }),
    model: Flags.string({ summary: "Only models whose name matches.", helpValue: "GLOB" }),
    tag: Flags.string({ summary: "Only checks with this tag.", helpValue: "TAG" }),
    format: Flags.option({ options: reportFormats })({ summary: "How to print the outcomes.", default: "table" }),
    "fail-on": Flags.option({ options: ["warn", "error"] as const })({ summary: "What makes the run fail.", default: "error" }),
    "min-score": Flags.integer({ summary: "Fail when a layer's score is lower, 0 to 100.", min: 0, max: 100, helpValue: "SCORE" }),
    "retry-for": Flags.string({ summary: "Try again until everything passes, at most this long.", helpValue: "DURATION" }),
    deadline: Flags.string({ summary: "What has not answered by then is not evaluated.", helpValue: "DURATION|TIME" }),
    alert: Flags.boolean({ summary: "Tell the channels of `alerts` in dw.config.ts what is new to them." }),
    push: Flags.string({ summary: "Send the outcomes to a Prometheus Pushgateway.", helpValue: "URL" }),
    "failed-rows": Flags.string({ summary: "Keep rows that show failures there, personal data masked.", helpValue: "DIR" }),
    "failed-rows-limit": Flags.integer({ summary: "Rows of each check to keep.", default: 1000, min: 1, max: 100_000 }),
    "show-sql": Flags.boolean({ summary: "Print the queries below each check." }),
  };
  static override examples = [
    "<%= config.bin %> check --layer dws --env prod",
    "<%= config.bin %> check --format junit > checks.xml",
    "<%= config.bin %> check --tag gate --retry-for 30min --deadline 2026-01-31T06:00:00Z --alert",
  ];

  override async run(): Promise<void> {
    const { checkGate } = await import("../../app/check/gate.js");
    const { layer, model, tag, warehouse, format, push, deadline, "min-score": minScore, "retry-for": retryFor } = this.flags;
    const { "failed-rows": folder, "failed-rows-limit": limit } = this.flags;
    const project = await this.project();
    const environment = await this.environment();
    const style = { ...this.style, showSql: this.flags["show-sql"] };
    const { report, classes } = await checkGate(project, project.connect(environment), {
      environment: environment.name,
      signal: this.signal,
      say: this.conversation.say,
      warn: this.conversation.warn,
      failOn: this.flags["fail-on"],
      alert: this.flags.alert,
      ...(layer !== undefined && { layer }),
      ...(model !== undefined && { model }),
      ...(tag !== undefined && { tag }),
      ...(warehouse !== undefined && { warehouse }),
      ...(minScore !== undefined && { minScore }),
      ...(retryFor !== undefined && { retryFor }),
      ...(deadline !== undefined && { deadline }),
      ...(folder !== undefined && { failedRows: { folder: resolve(this.flags.cwd ?? process.cwd(), folder), limit } }),
      ...(push !== undefined && { push: { url: push, text: (done) => checkReport(done, "prometheus", style) } }),
    });
    await this.answer(report, () => checkReport(report, format as ReportFormat, style)); // one of the options
    for (const outcome of classes) this.outcome(outcome);
  }
}
