import type { CatalogObject } from "./catalog.js";
import type { Json, JsonObject } from "./json.js";

/**
 * A decision in warehouse words. A dozen are shared by engines; what only one engine has is `engine-action`, whose
 * `action` is that engine's own union (`engines/x/rules.ts`). Every operation is plain JSON: plan.json stores it and an
 * emulating engine executes the same operation in its own words.
 *
 * `object` is the object as it is *after* the operation, except for drop-object. `again` marks the two halves of a
 * dependant that steps aside while what it reads changes; `late` a column or object that goes after everything that reads
 * it now reads something else.
 */
export type Operation<Action extends JsonObject = JsonObject> =
  | { readonly op: "create-object"; readonly object: CatalogObject; readonly again?: true }
  | { readonly op: "drop-object"; readonly object: CatalogObject; readonly again?: true; readonly late?: true }
  | { readonly op: "replace-object"; readonly from: CatalogObject; readonly object: CatalogObject }
  | { readonly op: "rename-object"; readonly from: CatalogObject; readonly object: CatalogObject }
  | { readonly op: "add-column"; readonly object: CatalogObject; readonly column: JsonObject }
  | { readonly op: "drop-column"; readonly object: CatalogObject; readonly column: JsonObject; readonly late?: true }
  | { readonly op: "rename-column"; readonly object: CatalogObject; readonly from: string; readonly to: string }
  | { readonly op: "retype-column"; readonly object: CatalogObject; readonly from: JsonObject; readonly to: JsonObject }
  | { readonly op: "set-nullable"; readonly object: CatalogObject; readonly column: string; readonly nullable: boolean }
  | { readonly op: "set-default"; readonly object: CatalogObject; readonly column: string; readonly from: Json; readonly to: Json }
  | {
      readonly op: "set-comment";
      readonly object: CatalogObject;
      readonly column?: string;
      /** The comment before, for the way back; absent where nothing had one. */
      readonly from?: string;
      readonly comment: string;
    }
  | {
      readonly op: "rebuild-object";
      readonly from: CatalogObject;
      readonly object: CatalogObject;
      readonly why: string;
      /** What hangs on it and is swapped together with it, what is depended on first. */
      readonly with?: readonly Along[];
      /** The old object goes at once: what follows in the plan could not be done while it stands. */
      readonly now?: true;
    }
  | { readonly op: "engine-action"; readonly object: CatalogObject; readonly action: Action };

/** A dependant of a rebuilt object, before and after. */
export interface Along {
  readonly from: CatalogObject;
  readonly object: CatalogObject;
}

export type OperationName = Operation["op"];
