import type { Hole } from "../../core/catalog.js";
import type { InPaimonCatalog } from "../flink/options.js";

type PerEnvironment<T> = T | Hole;

/** What a table model can say for Paimon. By the words of Paimon's manual, "Configurations". */
export interface PaimonTableOptions<C extends string> extends InPaimonCatalog {
  /** `append`: no primary key, every row stays. `primary`: rows of one key are merged; the model's key. */
  readonly table: "append" | "primary";
  readonly partitionedBy?: readonly C[];
  /** Number of buckets; -1 lets Paimon decide. */
  readonly bucket?: PerEnvironment<number>;
  readonly bucketKey?: readonly C[];
  readonly merge?: "deduplicate" | "partial-update" | "aggregation" | "first-row";
  /** Aggregate function of each column of an aggregation: sum, max, last_non_null_value, … */
  readonly aggregate?: Readonly<Partial<Record<C, string>>>;
  readonly changelog?: "none" | "input" | "lookup" | "full-compaction";
  /** Decides which of two rows of one key is newer; absent: the one that came last. */
  readonly sequence?: readonly C[];
  readonly format?: "parquet" | "orc" | "avro";
  /** Any other option by Paimon's own name. */
  readonly options?: Readonly<Record<string, PerEnvironment<string>>>;
}
