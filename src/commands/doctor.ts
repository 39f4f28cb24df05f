import { DwCommand } from "../cli/base-command.js";
import { diagnosisClass } from "../core/diagnosis.js";
import { diagnosesText } from "../present/diagnoses.js";

export default class Doctor extends DwCommand<typeof Doctor> {
  static override summary = "Look at everything that a run needs, and say what to do about the rest.";
  static override description =
    "Node, disk, configuration, models, and the environment's connections with their versions, rights and clocks.";

  override async run(): Promise<void> {
    const { doctor } = await import("../app/doctor.js");
    const diagnoses = await doctor({
      project: () => this.project(),
      environment: () => this.environment(),
      nodeVersion: process.version,
      now: Date.now,
    });
    await this.answer(diagnoses, () => diagnosesText(diagnoses, this.style));
    for (const outcome of diagnoses.map(diagnosisClass)) if (outcome !== undefined) this.outcome(outcome);
  }
}
