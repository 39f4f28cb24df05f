import type { ColumnBody, DistributionBody, IndexBody, ListPartition, RangePartition, RefreshBody } from "./body.js";
import type { FieldChange } from "./struct-fields.js";

/** One column clause of ALTER TABLE; the shapes are those of the shared operations. */
export type ColumnChange =
  | { readonly op: "add-column"; readonly column: ColumnBody }
  | { readonly op: "drop-column"; readonly column: ColumnBody }
  | { readonly op: "retype-column"; readonly from: ColumnBody; readonly to: ColumnBody }
  | { readonly op: "set-nullable"; readonly column: string; readonly nullable: boolean };

/** What is set by one statement: `null` is "as if never set". */
export type PropertyChange = { readonly name: string; readonly from: string | null; readonly to: string | null };

export type NamedPartition = RangePartition | ListPartition;

/** What only StarRocks does. Lists are in the order in which they are written. */
export type StarrocksAction =
  /** Several changes of columns as one ALTER TABLE: together or not at all, and one job where any of them is one. */
  | { readonly action: "alter-columns"; readonly changes: readonly ColumnChange[]; readonly job: boolean }
  | {
      readonly action: "alter-fields";
      readonly column: string;
      readonly change: FieldChange;
      readonly from: ColumnBody;
      readonly to: ColumnBody;
    }
  | { readonly action: "add-index"; readonly indexes: readonly IndexBody[] }
  | { readonly action: "drop-index"; readonly indexes: readonly IndexBody[] }
  | { readonly action: "set-property"; readonly properties: readonly PropertyChange[] }
  /** `default.replication_num` is for new partitions only. */
  | { readonly action: "replicate-partitions"; readonly from: string; readonly to: string }
  | { readonly action: "redistribute"; readonly from: DistributionBody; readonly to: DistributionBody }
  | { readonly action: "set-sort-key"; readonly from: readonly string[]; readonly to: readonly string[] }
  | { readonly action: "reorder-columns"; readonly from: readonly string[]; readonly to: readonly string[] }
  | { readonly action: "move-column"; readonly column: ColumnBody; readonly after: string | null }
  | { readonly action: "add-partition"; readonly partition: NamedPartition; readonly by: "range" | "list" }
  | { readonly action: "drop-partition"; readonly partition: NamedPartition }
  | { readonly action: "rename-partition"; readonly from: string; readonly to: string }
  /** A materialized view whose base was changed under it. */
  | { readonly action: "activate" }
  | { readonly action: "set-refresh"; readonly from: RefreshBody; readonly to: RefreshBody };
