import type { LossLevel, TypeMapping } from "./loss.js";
import type { LogicalType, Nested } from "./types.js";

/** What an engine's table of types is written with. */
export const plain = (native: string): TypeMapping => ({ native, level: "lossless", note: "" });
export const widened = (native: string, note: string): TypeMapping => ({ native, level: "widened", note });
export const lossy = (native: string, note: string): TypeMapping => ({ native, level: "lossy", note });
export const impossible = (note: string): TypeMapping => ({ native: "", level: "impossible", note });

/** How an engine holds each kind of type. */
export type TypeMappings = { readonly [Kind in LogicalType["kind"]]: (type: Extract<LogicalType, { kind: Kind }>) => TypeMapping };

export function mappedBy(mappings: TypeMappings, type: LogicalType): TypeMapping {
  return (mappings[type.kind] as (type: LogicalType) => TypeMapping)(type); // each entry takes exactly its kind
}

const LEVELS: readonly LossLevel[] = ["lossless", "widened", "lossy", "impossible"];

/** A list, map or struct is as good as the worst of its members. */
export function combinedMapping(members: readonly TypeMapping[], build: (natives: readonly string[]) => string): TypeMapping {
  return combined(members, members, build);
}

/** As `combinedMapping`, for engines whose members may always be NULL: a member that may not be is widened. */
export function nullableMembers(
  members: readonly Nested[],
  mapType: (type: LogicalType) => TypeMapping,
  build: (natives: readonly string[]) => string,
): TypeMapping {
  const mapped = members.map((member) => mapType(member.type));
  const nullable = members.every((member) => member.nullable) ? [] : [widened("", "members may be NULL")];
  return combined(mapped, [...mapped, ...nullable], build);
}

function combined(
  members: readonly TypeMapping[],
  judged: readonly TypeMapping[],
  build: (natives: readonly string[]) => string,
): TypeMapping {
  const level = LEVELS[Math.max(0, ...judged.map((one) => LEVELS.indexOf(one.level)))] ?? "lossless";
  const note = [...new Set(judged.map((one) => one.note).filter((text) => text !== ""))].join("; ");
  return { native: level === "impossible" ? "" : build(members.map(({ native }) => native)), level, note };
}
