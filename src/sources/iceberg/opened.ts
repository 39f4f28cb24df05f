import type { SourceColumn } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { type LiveFiles, readLiveFiles, readManifestList } from "./manifests.js";
import type { TableMetadata } from "./metadata.js";
import type { PathMap } from "./paths.js";
import { type IcebergField, type IcebergSchema, logicalType } from "./schema.js";
import type { View } from "./snapshot.js";

/** A table at one of its states, ready to be planned or inspected. */
export interface Opened {
  readonly storage: Storage;
  readonly table: TableMetadata;
  readonly view: View;
  readonly paths: PathMap;
  /** The schema of the read first, then the others, newest first. */
  readonly schemas: readonly IcebergSchema[];
}

export function sourceColumn(field: IcebergField): SourceColumn {
  return {
    name: field.name,
    type: logicalType(field.type),
    nullable: !field.required,
    fieldId: field.id,
    ...(field.doc === undefined ? {} : { comment: field.doc }),
  };
}

export async function liveFiles({ storage, table, view, paths }: Opened, metrics: boolean): Promise<LiveFiles> {
  if (view.snapshot === undefined) return { data: [], deletes: [] };
  const manifests = await readManifestList(storage, paths, view.snapshot);
  return readLiveFiles(storage, paths, table, manifests, metrics);
}
