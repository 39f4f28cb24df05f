import type { DuckdbTableOptions } from "../engines/duckdb/options.js";
import type { FlinkTableOptions, FlinkViewOptions } from "../engines/flink/options.js";
import type { HiveMaterializedViewOptions, HiveTableOptions, HiveViewOptions } from "../engines/hive/options.js";
import type { IcebergTableOptions } from "../engines/iceberg/options.js";
import type { KafkaTopicOptions } from "../engines/kafka/options.js";
import type { PaimonTableOptions } from "../engines/paimon/options.js";
import type {
  PostgresFunctionOptions,
  PostgresMaterializedViewOptions,
  PostgresTableOptions,
  PostgresViewOptions,
} from "../engines/postgres/options.js";
import type { StarrocksMaterializedViewOptions, StarrocksTableOptions, StarrocksViewOptions } from "../engines/starrocks/options.js";
import type { TimescaleAggregateOptions, TimescaleTableOptions } from "../engines/timescale/options.js";

/*
 * Which engine has which options, by kind of model. The only place where model/ looks at engines, and only at their types:
 * an engine that is added here lights up in authors' editors.
 */

export interface TableOptions<C extends string> {
  readonly starrocks?: StarrocksTableOptions<C>;
  readonly timescale?: TimescaleTableOptions<C>;
  readonly postgres?: PostgresTableOptions<C>;
  readonly hive?: HiveTableOptions<C>;
  readonly paimon?: PaimonTableOptions<C>;
  readonly iceberg?: IcebergTableOptions<C>;
  readonly flink?: FlinkTableOptions<C>;
  readonly duckdb?: DuckdbTableOptions;
}

export interface ViewOptions {
  readonly starrocks?: StarrocksViewOptions;
  readonly timescale?: PostgresViewOptions;
  readonly postgres?: PostgresViewOptions;
  readonly hive?: HiveViewOptions;
  readonly flink?: FlinkViewOptions;
  readonly duckdb?: DuckdbTableOptions;
}

export interface MaterializedViewOptions<C extends string> {
  readonly starrocks?: StarrocksMaterializedViewOptions<C>;
  readonly timescale?: TimescaleAggregateOptions<C>;
  readonly postgres?: PostgresMaterializedViewOptions<C>;
  readonly hive?: HiveMaterializedViewOptions<C>;
}

export interface FunctionOptions {
  readonly timescale?: PostgresFunctionOptions;
  readonly postgres?: PostgresFunctionOptions;
}

export interface TopicOptions<C extends string> {
  readonly kafka: KafkaTopicOptions;
  readonly flink?: FlinkTableOptions<C>;
}
