import type { Outcome } from "../../core/check.js";

/** One line of an alert: what a check says now, and whether that is news or its end. */
export interface AlertLine {
  readonly is: "new" | "still" | "recovered";
  readonly warehouse: string;
  readonly model: string;
  readonly slot: string;
  readonly check: string;
  readonly outcome: Outcome;
  readonly message: string;
  readonly owner: string | null;
  /** ISO-8601: since when it has not passed. */
  readonly since: string;
}

export interface AlertText {
  readonly title: string;
  readonly text: string;
}

const words: Readonly<Record<AlertLine["is"], string>> = { new: "", still: "still ", recovered: "recovered: " };

/** One message for everything that a channel has to hear of a run: recoveries last, by owner. No sample rows: they stay where the data is. */
export function alertText(lines: readonly AlertLine[], environment: string): AlertText {
  const open = lines.filter(({ is }) => is !== "recovered");
  const over = lines.length - open.length;
  const counts = [
    ...(open.length > 0 ? [`${open.length} ${open.length === 1 ? "check does" : "checks do"} not pass`] : []),
    ...(over > 0 ? [`${over} recovered`] : []),
  ];
  const title = `dw check, ${environment}: ${counts.join(", ")}`;
  const owners = [...new Set(lines.map(({ owner }) => owner))];
  const groups = owners.flatMap((owner) => [
    ...(owner === null ? [] : [`${owner}:`]),
    ...[...lines]
      .filter((line) => line.owner === owner)
      .sort(byNews)
      .map(lineText),
  ]);
  return { title, text: groups.join("\n") };
}

const order: readonly AlertLine["is"][] = ["new", "still", "recovered"];

function byNews(a: AlertLine, b: AlertLine): number {
  return order.indexOf(a.is) - order.indexOf(b.is);
}

function lineText({ is, warehouse, model, check, outcome, message, since }: AlertLine): string {
  const state = is === "recovered" ? "pass" : outcome === "not-evaluated" ? "not evaluated" : outcome;
  const when = is === "new" ? "" : ` (since ${since.slice(0, 16).replace("T", " ")} UTC)`;
  return `- ${words[is]}${state}: ${warehouse}.${model}, ${check}: ${oneLine(message)}${when}`;
}

/** An engine's refusal may be long, and have lines of its own. */
function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}
