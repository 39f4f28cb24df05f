import { DwError } from "./errors.js";
import type { Loss, TypeMapping } from "./loss.js";
import type { Column, Model } from "./model.js";
import { modelPlace } from "./model-place.js";
import { type EngineName, typeText } from "./types.js";

export interface MappedColumn {
  readonly engine: EngineName;
  /** The engine as people write it: `Hive`. */
  readonly label: string;
  readonly model: Pick<Model, "name" | "origin">;
  readonly name: string;
  readonly column: Column;
  readonly mapping: TypeMapping;
}

/**
 * The native type of a column, its loss noted. Throws DW-TYPE-UNSUPPORTED when the engine has no such type, and
 * DW-TYPE-LOSSY when values would change and the model does not accept that.
 */
export function mappedType(mapped: MappedColumn, losses: Loss[]): string {
  const { engine, model, name, column, mapping } = mapped;
  const accepted = column.accept?.[engine];
  const line: Loss = { ...mapping, engine, model: model.name, column: name, logical: typeText(column.type) };
  losses.push(accepted === undefined ? line : { ...line, accepted });
  if (mapping.level === "impossible") throw unsupported(mapped);
  if (mapping.level === "lossy" && accepted === undefined) throw lossy(mapped);
  return mapping.native;
}

function unsupported({ engine, label, model, name, column, mapping }: MappedColumn): DwError {
  return new DwError("DW-TYPE-UNSUPPORTED", {
    what: `${modelPlace(model)}: column ${name} is ${typeText(column.type)}, which ${label} cannot store: ${mapping.note}.`,
    why: "Another type would change the values that a reader gets back.",
    fix: `Map it with .as("${engine}", …), or take ${engine} out of the model's \`on\`.`,
  });
}

function lossy({ engine, label, model, name, column, mapping }: MappedColumn): DwError {
  return new DwError("DW-TYPE-LOSSY", {
    what: `${modelPlace(model)}: column ${name} is ${typeText(column.type)}, and ${mapping.native} of ${label} changes values: ${mapping.note}.`,
    why: "Some values would come back changed, and nobody has accepted that.",
    fix: `Accept it with .accept("${engine}", "why it does not matter"), or map it with .as("${engine}", …).`,
  });
}
