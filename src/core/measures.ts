import {
  addFingerprints,
  bucketQuery,
  bucketRowsQuery,
  type CanonicalSql,
  emptyFingerprint,
  type Fingerprint,
  type FingerprintColumn,
  fingerprintQuery,
  readFingerprint,
  readRowValues,
  rowValuesQuery,
} from "./fingerprint.js";

/** What a certificate asks of a relation; drilling down goes from the first to the last. */
export interface Measures {
  readonly fingerprint: (columns: readonly FingerprintColumn[]) => Promise<Fingerprint>;
  /** Rows and hash per bucket of the first `digits` hexadecimal digits of the row hash. */
  readonly buckets: (columns: readonly FingerprintColumn[], digits: number) => Promise<readonly HashBucket[]>;
  /** The rows of some buckets, at most `limit`; `label` names the columns that a person would recognise a row by. */
  readonly hashedRows: (
    columns: readonly FingerprintColumn[],
    label: readonly string[],
    buckets: readonly string[],
    limit: number,
  ) => Promise<readonly HashedRow[]>;
  /** Canonical values of the rows with these hashes, by hash, in the order of the columns. */
  readonly rowValues: (
    columns: readonly FingerprintColumn[],
    hashes: readonly string[],
  ) => Promise<ReadonlyMap<string, readonly (string | null)[]>>;
}

export interface HashBucket {
  readonly bucket: string;
  readonly rows: string;
  readonly hash: string;
}

/** A row whose canonical text hashes into a bucket. */
export interface HashedRow {
  readonly hash: string;
  /** Canonical text of the identifying columns. */
  readonly label: string;
}

type Query = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** The measures of one relation (quoted name or subquery), in an engine's own SQL. */
export function measuresOf(sql: CanonicalSql, query: Query, relation: string): Measures {
  return {
    fingerprint: async (columns) => readFingerprint(columns, (await query(fingerprintQuery(sql, columns, relation)))[0] ?? {}),
    buckets: async (columns, digits) => {
      const rows = await query(bucketQuery(sql, columns, relation, digits));
      return rows.map((row) => ({ bucket: String(row.bucket ?? ""), rows: String(row.total ?? "0"), hash: String(row.hash_a ?? "0") }));
    },
    hashedRows: async (columns, label, buckets, limit) => {
      const rows = await query(bucketRowsQuery(sql, columns, relation, label, buckets, limit));
      return rows.map((row) => ({ hash: String(row.row_hash ?? ""), label: String(row.label ?? "") }));
    },
    rowValues: async (columns, hashes) => readRowValues(columns, await query(rowValuesQuery(sql, columns, relation, hashes))),
  };
}

/** Calls `read` with the measures of each part of a relation, one part after the other. */
type EachPart = <Result>(columns: readonly FingerprintColumn[], read: (part: Measures) => Promise<Result>) => Promise<readonly Result[]>;

/** The measures of a relation that is looked at in parts. */
export function measuresOfParts(each: EachPart): Measures {
  return {
    fingerprint: async (columns) => {
      const parts = await each(columns, (part) => part.fingerprint(columns));
      return parts.reduce((sum, part) => addFingerprints(sum, part, columns), emptyFingerprint(columns));
    },
    buckets: async (columns, digits) => (await each(columns, (part) => part.buckets(columns, digits))).flat(),
    hashedRows: async (columns, label, buckets, limit) =>
      (await each(columns, (part) => part.hashedRows(columns, label, buckets, limit))).flat().slice(0, limit),
    rowValues: async (columns, hashes) =>
      new Map((await each(columns, (part) => part.rowValues(columns, hashes))).flatMap((part) => [...part])),
  };
}
