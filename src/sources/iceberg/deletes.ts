import type { DataFile, DeleteFile, FileEntry } from "./manifests.js";

/* Which deletes belong to which data file (Iceberg spec, "Scan Planning": the scope rules). */

/** The data file position deletes are about, in the delete file's own columns (reserved ids of the specification). */
export const FILE_PATH_ID = 2147483546;
export const POSITION_ID = 2147483545;

export interface Applicable {
  readonly vector: DeleteFile | undefined;
  readonly positions: readonly DeleteFile[];
  readonly equalities: readonly DeleteFile[];
}

export interface DeleteIndex {
  readonly of: (file: DataFile) => Applicable;
}

export function indexDeletes(deletes: readonly DeleteFile[]): DeleteIndex {
  const vectors = new Map<string, DeleteFile>();
  const byFile = new Map<string, DeleteFile[]>();
  const byPartition = new Map<string, DeleteFile[]>();
  const equalities = new Map<string, DeleteFile[]>();
  const everywhere: DeleteFile[] = [];
  for (const file of deletes) {
    const target = targetOf(file);
    if (file.blob !== undefined && file.referenced !== undefined) addVector(vectors, file.referenced, file);
    else if (file.content === "position" && target !== undefined) add(byFile, target, file);
    else if (file.content === "position") add(byPartition, partitionKey(file), file);
    else if (isEverywhere(file)) everywhere.push(file);
    else add(equalities, partitionKey(file), file);
  }
  return {
    of: (data) => {
      const partition = partitionKey(data);
      const notOlder = (file: DeleteFile): boolean => data.sequence <= file.sequence;
      const younger = (file: DeleteFile): boolean => data.sequence < file.sequence;
      const vector = [vectors.get(data.location)].find((file) => file !== undefined && notOlder(file));
      const positions = [
        ...(byFile.get(data.location) ?? []).filter((file) => partitionKey(file) === partition),
        ...(byPartition.get(partition) ?? []),
      ].filter(notOlder);
      return {
        vector,
        // a vector holds all deletes of the position files that were there before it
        positions: vector === undefined ? positions : [],
        equalities: [...everywhere, ...(equalities.get(partition) ?? [])].filter(younger),
      };
    },
  };
}

function addVector(vectors: Map<string, DeleteFile>, target: string, file: DeleteFile): void {
  const known = vectors.get(target);
  if (known === undefined || known.sequence < file.sequence) vectors.set(target, file);
}

function add(map: Map<string, DeleteFile[]>, key: string, file: DeleteFile): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [file]);
  else list.push(file);
}

/** Position deletes about one data file say so, or have it as both bounds of their path column (shorter ones are not cut). */
function targetOf(file: DeleteFile): string | undefined {
  if (file.content !== "position") return undefined;
  if (file.referenced !== undefined) return file.referenced;
  const lower = file.metrics.lower.get(FILE_PATH_ID);
  const upper = file.metrics.upper.get(FILE_PATH_ID);
  if (lower === undefined || upper === undefined || Buffer.compare(lower, upper) !== 0) return undefined;
  return Buffer.from(lower).toString("utf8");
}

/** Equality deletes of a spec without partitions hold for every partition; void is what v1 leaves of a dropped field. */
export function isEverywhere(file: FileEntry): boolean {
  return file.spec.fields.every((field) => field.transform.kind === "void");
}

const keys = new WeakMap<FileEntry, string>();

/** Equal for files of the same spec and the same partition values. */
export function partitionKey(file: FileEntry): string {
  const known = keys.get(file);
  if (known !== undefined) return known;
  const key = `${file.spec.id}:${file.partition.map(valueKey).join("|")}`;
  keys.set(file, key);
  return key;
}

function valueKey(value: unknown): string {
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString("hex")}`;
  if (typeof value === "bigint") return `n${value}`;
  if (typeof value === "number") return Object.is(value, -0) ? "n-0" : `n${value}`;
  return JSON.stringify(value);
}
