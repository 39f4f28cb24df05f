/** What a model can say for DuckDB, as an engine of its own (not the emulation of StarRocks). */
export interface DuckdbTableOptions {
  readonly schema?: string;
  readonly name?: string;
}
