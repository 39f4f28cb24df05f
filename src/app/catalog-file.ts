import { z } from "zod";
import type { Catalog } from "../core/catalog.js";
import { DwError } from "../core/errors.js";

export const objectShape = z.looseObject({
  slot: z.string(),
  kind: z.string(),
  id: z.string(),
  name: z.array(z.string()),
  dependsOn: z.array(z.string()),
  body: z.record(z.string(), z.json()),
});

/** `catalog.json` and `state.json`. */
export const catalogShape = z.object({ warehouse: z.string(), objects: z.array(objectShape) });

/** `place` says where the text came from. Throws DW-USAGE for a text that is no catalog. */
export function parseCatalog(text: string, place: string): Catalog {
  const refuse = (why: string, cause?: unknown): DwError =>
    new DwError("DW-USAGE", {
      what: `${place} is not a catalog.`,
      why,
      fix: "`dw generate` writes generated/<warehouse>/catalog.json; name a place that has it.",
      ...(cause !== undefined && { cause }),
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse("It is not JSON.", cause);
  }
  const result = catalogShape.safeParse(value);
  if (!result.success) throw refuse(z.prettifyError(result.error));
  return result.data as unknown as Catalog; // bodies are the engines' own; the envelope is checked
}
