import { DwError } from "./errors.js";
import type { Loss, TypeMapping } from "./loss.js";
import type { Column } from "./model.js";
import { type EngineName, typeText } from "./types.js";

export interface MappedColumn {
  readonly engine: EngineName;
  /** The engine as people write it: `Hive`. */
  readonly label: string;
  readonly model: string;
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
  const line: Loss = { ...mapping, engine, model, column: name, logical: typeText(column.type) };
  losses.push(accepted === undefined ? line : { ...line, accepted });
  if (mapping.level === "impossible") throw refused(mapped, "DW-TYPE-UNSUPPORTED", `Map it with .as("${engine}", …).`);
  if (mapping.level === "lossy" && accepted === undefined)
    throw refused(mapped, "DW-TYPE-LOSSY", `Accept it with .accept("${engine}", "reason"), or map it with .as("${engine}", …).`);
  return mapping.native;
}

function refused(
  { label, model, name, column, mapping }: MappedColumn,
  code: "DW-TYPE-UNSUPPORTED" | "DW-TYPE-LOSSY",
  fix: string,
): DwError {
  return new DwError(code, {
    what: `Model ${model}: column ${name} is ${typeText(column.type)}, which ${label} cannot keep: ${mapping.note}.`,
    why: "Some values would come back changed.",
    fix,
  });
}
