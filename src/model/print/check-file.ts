import { compareText } from "../../core/catalog.js";
import type { AnyCheck } from "../../core/check-spec.js";
import { checkPiece } from "./checks.js";
import { array, layOut, member, object, quoted } from "./literal.js";

export interface NamedCheck {
  /** Letters, digits and `_`: it is a constant's name, too. */
  readonly name: string;
  /** The model that it is about. */
  readonly on: string;
  readonly spec: AnyCheck;
}

/** The text of a file of checks that stand apart from their models, its newline included. */
export function checkFile(checks: readonly NamedCheck[]): string {
  const called = new Set(["defineCheck"]);
  const definitions = checks.map(({ name, on, spec }) => {
    const model = object([member("name", quoted(on))]);
    const definition = object([member("on", array([model])), member("spec", checkPiece(spec, called))]);
    const constant = /^[A-Za-z_]/.test(name) ? name : `check_${name}`;
    return `export const ${constant} = defineCheck(${quoted(name)}, ${layOut(definition)});\n`;
  });
  return `import { ${[...called].sort(compareText).join(", ")} } from "dwright";\n\n${definitions.join("\n")}`;
}
