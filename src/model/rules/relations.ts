import type { BackfillModel, Model, Reference, SqlBodies, SqlReference } from "../../core/model.js";
import { columnsOf, has, type Mistake, missingColumn, missingColumns, type ProjectFacts, suggestion } from "./mistake.js";

/** What a model says about others: its layer, references, models in SQL bodies, ends of a backfill, subjects of a check. */
export function relationMistakes(model: Model, facts: ProjectFacts): readonly Mistake[] {
  return [...layerMistakes(model, facts), ...kindMistakes(model, facts)];
}

function kindMistakes(model: Model, facts: ProjectFacts): readonly Mistake[] {
  switch (model.model) {
    case "table":
      return (model.references ?? []).flatMap((reference) => referenceMistakes(model.columns, reference, facts));
    case "view":
    case "materialized-view":
      return bodyMistakes("query", model.query, facts);
    case "function":
      return bodyMistakes("body", model.body, facts);
    case "backfill":
      return backfillMistakes(model, facts);
    case "check":
      return model.on.flatMap((name) => unknownModel("on", name, facts));
    default:
      return [];
  }
}

function layerMistakes(model: Model, { layers }: ProjectFacts): readonly Mistake[] {
  if (model.layer === undefined || layers.includes(model.layer)) return [];
  return [
    {
      what: `is in the layer ${model.layer}, which the project does not have.`,
      why: `Its layers are ${layers.join(", ")}.`,
      fix: suggestion(model.layer, layers) ?? "Name one of those, or add the layer to `layers` in dw.config.ts.",
    },
  ];
}

export function unknownModel(place: string, name: string, { models }: ProjectFacts): readonly Mistake[] {
  if (models.has(name)) return [];
  return [
    {
      what: `names the model ${name} in \`${place}\`, which the warehouse does not have.`,
      why: "A model can only speak of models of its own warehouse.",
      fix: suggestion(name, [...models.keys()]) ?? "Correct the name, or export that model from a file below the warehouse's folder.",
    },
  ];
}

function referenceMistakes(columns: Parameters<typeof missingColumns>[2], reference: Reference, facts: ProjectFacts): readonly Mistake[] {
  const own = missingColumns("references.columns", reference.columns, columns);
  const unknown = unknownModel("references.model", reference.model, facts);
  const target = facts.models.get(reference.model);
  const there = target && columnsOf(target);
  const other = (there && reference.to.filter((name) => !has(there, name))) ?? [];
  return [
    ...own,
    ...unknown,
    ...(there ? other.map((name) => missingColumn("references.to", name, there, reference.model)) : []),
    ...lengthMistakes(reference),
  ];
}

function lengthMistakes({ columns, model, to }: Reference): readonly Mistake[] {
  if (columns.length === to.length) return [];
  return [
    {
      what: `refers to ${model} by ${columns.length} columns on its side and ${to.length} on the other.`,
      why: "Each column refers to exactly one.",
      fix: "Give `columns` and `to` the same number of names.",
    },
  ];
}

function bodyMistakes(place: string, bodies: SqlBodies, facts: ProjectFacts): readonly Mistake[] {
  const references = Object.entries(bodies).flatMap(([dialect, body]) =>
    body.parts.filter((part): part is SqlReference => typeof part !== "string").map((part) => ({ place: `${place}.${dialect}`, part })),
  );
  return references.flatMap((reference) => sqlReferenceMistakes(reference.place, reference.part, facts));
}

function sqlReferenceMistakes(place: string, part: SqlReference, facts: ProjectFacts): readonly Mistake[] {
  const unknown = unknownModel(place, part.model, facts);
  const target = facts.models.get(part.model);
  const columns = target && columnsOf(target);
  if (part.ref === "model" || columns === undefined || has(columns, part.column)) return unknown;
  return [missingColumn(place, part.column, columns, part.model)];
}

function backfillMistakes(model: BackfillModel, facts: ProjectFacts): readonly Mistake[] {
  const target = facts.models.get(model.to);
  const columns = target && columnsOf(target);
  return [
    ...(typeof model.from === "string" && !model.from.includes(":") ? unknownModel("from", model.from, facts) : []),
    ...unknownModel("to", model.to, facts),
    ...(columns ? missingTargets(model, columns) : []),
    ...(model.into === undefined ? slotMistakes(model, target) : []),
    ...fileMistakes(model, columns),
    ...concurrencyMistakes(model),
    ...incrementMistakes(model),
  ];
}

function missingTargets(model: BackfillModel, columns: Parameters<typeof missingColumns>[2]): readonly Mistake[] {
  const wrong = Object.keys(model.map ?? {}).filter((name) => !has(columns, name));
  return wrong.map((name) => missingColumn("map", name, columns, model.to));
}

function slotMistakes(model: BackfillModel, target: Model | undefined): readonly Mistake[] {
  if (target === undefined || !("on" in target) || Array.isArray(target.on)) return [];
  const slots = Object.keys(target.on);
  const said = model.slot === undefined ? "" : model.slot;
  if (said === "" ? slots.length === 1 : slots.includes(said)) return [];
  return [
    {
      what: said === "" ? "does not say which slot it fills." : `fills the slot ${said}, which ${model.to} is not on.`,
      why: `${model.to} is on ${slots.join(", ") || "no engine"}.`,
      fix: "Name one of those in `slot`.",
    },
  ];
}

function fileMistakes(
  { into, partitionBy, slot, to }: BackfillModel,
  columns: Parameters<typeof missingColumns>[2] | undefined,
): readonly Mistake[] {
  const mistake = (what: string, why: string, fix: string): Mistake => ({ what, why, fix });
  if (into === undefined)
    return partitionBy === undefined
      ? []
      : [mistake("states partitionBy without `into`.", "An engine's table is partitioned as its model says.", "Leave `partitionBy` out.")];
  const format = typeof into !== "string" || /^(parquet|csv|jsonl):./.test(into);
  return [
    ...(format ? [] : [mistake(`writes into ${into}.`, "Files are parquet:PATH, csv:PATH or jsonl:PATH.", "Correct `into`.")]),
    ...(slot === undefined
      ? []
      : [mistake(`fills the slot ${slot} and writes files.`, "A backfill loads into one place.", "Leave out `slot` or `into`.")]),
    ...(columns
      ? (partitionBy ?? []).filter((name) => !has(columns, name)).map((name) => missingColumn("partitionBy", name, columns, to))
      : []),
  ];
}

function concurrencyMistakes({ concurrency }: BackfillModel): readonly Mistake[] {
  if (concurrency === undefined || (Number.isInteger(concurrency) && concurrency > 0)) return [];
  return [{ what: `has the concurrency ${concurrency}.`, why: "It is a whole number above 0.", fix: "Correct `concurrency`." }];
}

function incrementMistakes({ incremental, deletedWhen, publish }: BackfillModel): readonly Mistake[] {
  const without: readonly Mistake[] =
    deletedWhen === undefined || incremental !== undefined
      ? []
      : [
          {
            what: "has `deletedWhen` and is not incremental.",
            why: "Which of several rows of a key is the newest, a deletion or not, is told by the watermark.",
            fix: 'Add `incremental: { column }` or `{ by: "snapshot" }`, or leave deleted rows out with `where`.',
          },
        ];
  if (incremental === undefined || publish === undefined) return without;
  return [
    ...without,
    {
      what: "is incremental and publishes what was audited.",
      why: "A staging table holds one load until it is published; runs that replace rows of the target have no such moment.",
      fix: "Leave one of the two out; `dw check` judges the target after each run.",
    },
  ];
}
