import type { Model, ModelKind } from "../../core/model.js";
import { has, type Mistake, suggestion } from "./mistake.js";

const everywhere = ["model", "name", "layer", "owner", "comment", "tags", "origin"] as const;
const relation = ["columns", "col", "checks", "fresh", "on"] as const;

/** What each kind of model may say, beside what all may. A misspelt key in JavaScript would otherwise mean nothing, silently. */
const keys: Readonly<Record<ModelKind, readonly string[]>> = {
  table: [...relation, "grain", "key", "references", "zone"],
  view: [...relation, "query"],
  "materialized-view": [...relation, "grain", "key", "query", "zone"],
  topic: [...relation, "key"],
  function: ["arguments", "returns", "language", "volatility", "body", "on"],
  source: ["at", "columns", "col", "zone", "checks"],
  backfill: [
    "from",
    "to",
    "slot",
    "into",
    "partitionBy",
    "map",
    "where",
    "since",
    "until",
    "sourceZone",
    "concurrency",
    "quarantine",
    "policies",
    "incremental",
    "deletedWhen",
    "publish",
    "checks",
  ],
  check: ["on", "spec"],
  pipeline: ["schedule", "steps"],
  object: ["on", "values"],
};

const required: Readonly<Record<ModelKind, readonly string[]>> = {
  table: ["grain", "columns", "on"],
  view: ["columns", "query", "on"],
  "materialized-view": ["grain", "columns", "query", "on"],
  topic: ["columns", "on"],
  function: ["arguments", "returns", "body", "on"],
  source: ["at"],
  backfill: ["from", "to"],
  check: ["on", "spec"],
  pipeline: ["steps"],
  object: ["on"],
};

export function shapeMistakes(model: Model): readonly Mistake[] {
  return [...nameMistakes(model), ...keyMistakes(model), ...requiredMistakes(model)];
}

function nameMistakes(model: Model): readonly Mistake[] {
  const wrong = nameMistake(model.name, "The name of a model");
  return wrong === undefined ? [] : [wrong];
}

/**
 * Engines quote whatever they are given; but names also become file names below generated/, so that a separator or a
 * control character could write elsewhere or hide in a review.
 */
export function nameMistake(name: unknown, subject: string): Mistake | undefined {
  const why = typeof name !== "string" || name === "" ? `${subject} is a text with at least one character.` : textMistake(name, subject);
  if (why === undefined) return undefined;
  return { what: `has the name ${JSON.stringify(name)}.`, why, fix: "Choose another name, for example of letters, digits and _." };
}

function textMistake(name: string, subject: string): string | undefined {
  if (/\p{C}/u.test(name)) return `${subject} has no control or invisible characters.`;
  if (/[/\\]/.test(name) || name === "." || name === "..") return `${subject} is not a path.`;
  if (name.trim() !== name) return `${subject} does not begin or end with a space.`;
  return undefined;
}

function keyMistakes(model: Model): readonly Mistake[] {
  const allowed = [...everywhere, ...keys[model.model]];
  return Object.keys(model)
    .filter((key) => !allowed.includes(key))
    .map((key) => ({
      what: `says \`${key}\`, which a ${model.model} does not know.`,
      why: "dw would ignore it, and you would believe that it counts.",
      fix: suggestion(key, allowed) ?? "Remove it.",
    }));
}

function requiredMistakes(model: Model): readonly Mistake[] {
  const said = model as unknown as Readonly<Record<string, unknown>>; // read by key; every model is an object
  return required[model.model]
    .filter((key) => !has(model, key) || said[key] === undefined || said[key] === null)
    .map((key) => ({
      what: `has no \`${key}\`.`,
      why: `A ${model.model} cannot do without it.`,
      fix: `Add \`${key}\`.`,
    }));
}
