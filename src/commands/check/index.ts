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
    "show-sql": Flags.boolean({ summary: "Print the queries below each check." }),
  };
  static override examples = ["<%= config.bin %> check --layer dws --env prod", "<%= config.bin %> check --format junit > checks.xml"];

  override async run(): Promise<void> {
    const { checkGate } = await import("../../app/check/gate.js");
    const { layer, model, tag, warehouse, format, "min-score": minScore, "retry-for": retryFor } = this.flags;
    const project = await this.project();
    const environment = await this.environment();
    const { report, classes } = await checkGate(project, project.connect(environment), {
      environment: environment.name,
      signal: this.signal,
      say: this.conversation.say,
      failOn: this.flags["fail-on"],
      ...(layer !== undefined && { layer }),
      ...(model !== undefined && { model }),
      ...(tag !== undefined && { tag }),
      ...(warehouse !== undefined && { warehouse }),
      ...(minScore !== undefined && { minScore }),
      ...(retryFor !== undefined && { retryFor }),
    });
    const style = { ...this.style, showSql: this.flags["show-sql"] };
    await this.answer(report, () => checkReport(report, format as ReportFormat, style)); // one of the options
    for (const outcome of classes) this.outcome(outcome);
  }
}
