import type { CatalogObject, ObjectId } from "./catalog.js";
import type { Json } from "./json.js";

/**
 * One difference inside an object. `path` walks the body; a step into a list of named members is the member's name:
 * `["columns", "paid", "type"]`. `from` undefined: added; `to` undefined: removed. A changed order of named members is
 * the fact `[...path, "#order"]` with the lists of names on both sides (only names that both sides have).
 */
export interface Fact {
  readonly path: readonly string[];
  readonly from: Json | undefined;
  readonly to: Json | undefined;
}

/** A fact about two catalogs, found without knowing any kind of object. */
export type Change =
  | { readonly change: "added"; readonly id: ObjectId; readonly to: CatalogObject }
  | { readonly change: "removed"; readonly id: ObjectId; readonly from: CatalogObject }
  | {
      readonly change: "altered";
      readonly id: ObjectId;
      readonly from: CatalogObject;
      readonly to: CatalogObject;
      readonly facts: readonly Fact[];
      /** Renames that the author stated; `from` is already renamed when facts are found. */
      readonly renamed?: { readonly object?: readonly string[]; readonly columns: Readonly<Record<string, string>> };
    };

/** A rename as an intent states it. A column rename names the object as it is called afterwards. */
export type Rename =
  | { readonly rename: "object"; readonly id: ObjectId; readonly to: ObjectId }
  | { readonly rename: "column"; readonly id: ObjectId; readonly from: string; readonly to: string };
