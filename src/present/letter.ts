import type { DwError } from "../core/errors.js";

export interface Style {
  readonly color: boolean;
  /** Columns of the terminal; 80 when there is none. */
  readonly width: number;
}

/** A letter for people: the code first, because that is what they search for. */
export function letterText(error: Pick<DwError, "code" | "what" | "why" | "fix">, style: Style): string {
  const paint = painter(style);
  return [
    `${paint("red", error.code)} ${paint("bold", error.what)}`,
    paragraph("Why ", error.why, paint),
    paragraph("Fix ", error.fix, paint),
    paragraph("More", `dw explain ${error.code}`, paint),
  ].join("\n");
}

const codes = { red: 31, yellow: 33, green: 32, cyan: 36, bold: 1, dim: 2 } as const;

export type Paint = (color: keyof typeof codes, text: string) => string;

export function painter(style: Pick<Style, "color">): Paint {
  return (color, text) => (style.color ? `\u001b[${codes[color]}m${text}\u001b[0m` : text);
}

function paragraph(title: string, text: string, paint: Paint): string {
  const [first = "", ...rest] = text.split("\n");
  const indent = " ".repeat(7);
  return [`  ${paint("dim", title)} ${first}`, ...rest.map((line) => `${indent}${line}`)].join("\n");
}
