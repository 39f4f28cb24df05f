import * as Args from "@oclif/core/args";
import { DwCommand } from "../cli/base-command.js";
import { codes, type ErrorCode, exitCodes } from "../core/codes.js";
import { DwError } from "../core/errors.js";

export default class Explain extends DwCommand<typeof Explain> {
  static override summary = "Explain an error code in full.";
  static override args = { code: Args.string({ required: true, description: "A code such as DW-ENV-MISSING." }) };
  static override examples = ["<%= config.bin %> explain DW-LOCKED"];

  override async run(): Promise<void> {
    const code = known(this.args.code.toUpperCase());
    const { class: kind, explain } = codes[code];
    await this.answer(
      { code, exitCode: exitCodes[kind], class: kind, explain },
      `${code} (exit ${exitCodes[kind]}, ${kind})\n\n${explain}`,
    );
  }
}

function known(code: string): ErrorCode {
  if (Object.hasOwn(codes, code)) return code as ErrorCode; // one of the keys
  throw new DwError("DW-USAGE", {
    what: `${code} is not a code of dw.`,
    why: "Codes look like DW-AREA-REASON and are printed with every error.",
    fix: "Copy the code from the error message.",
  });
}
