import type { Diagnosis } from "../core/diagnosis.js";
import { type Paint, painter, type Style } from "./letter.js";

const marks = { ok: ["green", "ok  "], warn: ["yellow", "warn"], fail: ["red", "FAIL"] } as const;

/** One line a diagnosis, its cure below it. */
export function diagnosesText(diagnoses: readonly Diagnosis[], style: Style): string {
  const paint = painter(style);
  const width = Math.max(...diagnoses.map(({ about }) => about.length));
  return diagnoses.flatMap((diagnosis) => lines(diagnosis, width, paint)).join("\n");
}

function lines({ about, state, finding, code, fix }: Diagnosis, width: number, paint: Paint): readonly string[] {
  const [color, word] = marks[state];
  const indent = " ".repeat(5 + width + 2);
  const text = finding.replaceAll("\n", `\n${indent}`);
  const first = `${paint(color, word)} ${about.padEnd(width)}  ${code === undefined ? "" : `${code} `}${text}`;
  return fix === undefined ? [first] : [first, `${indent}${paint("dim", "Fix")} ${fix}`];
}
