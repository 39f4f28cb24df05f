import { conditions, withNan } from "../../core/predicate.js";
import type { DuckDbSession, OpenChunk } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { corrupt } from "../../formats/damage.js";
import { withVariants } from "../../formats/variant-column.js";
import type { RowRange } from "../../formats/vector.js";
import { constantSql } from "./constants.js";
import type { FieldCondition } from "./converted.js";
import { type Applicable, FILE_PATH_ID, POSITION_ID, partitionKey } from "./deletes.js";
import { readDeletionVector } from "./deletion-vector.js";
import { applyNameMapping, type FileField, hasIds, type NameMapping } from "./file-schema.js";
import type { DataFile, DeleteFile } from "./manifests.js";
import { projectColumn } from "./projection.js";
import { type PlacedFile, type Relation, relations, type Session, type Wanted } from "./relations.js";
import { isRowLineage, lineageSql } from "./row-lineage.js";
import { fieldPath, type IcebergField, type IcebergSchema, ident, isOpaque, literal, logicalType, nanosecondIds } from "./schema.js";
import { Scratch } from "./scratch.js";

/*
 * A chunk as one SELECT. Files of one shape are one branch of a UNION ALL; a branch has anti-joins only where deletes
 * apply to its files. Positions and keys that are deleted are materialised once a chunk, in temporary tables.
 */

export interface PlannedFile {
  readonly data: DataFile;
  /** Path below the export's root. */
  readonly path: string;
  readonly deletes: Applicable;
  /** Positions of the rows to read; all when absent. */
  readonly rows?: RowRange;
}

export interface Reading {
  readonly storage: Storage;
  /** Columns of the answer. */
  readonly columns: readonly IcebergField[];
  /** A predicate over `available`, already checked to be one expression; applied exactly. */
  readonly where: string | undefined;
  /** What the predicate may name. */
  readonly available: readonly IcebergField[];
  /** All schemas of the table, the newest first: an equality delete may name a column that was dropped since. */
  readonly schemas: readonly IcebergSchema[];
  readonly nameMapping: ReadonlyMap<string, NameMapping> | undefined;
  /** Paths of delete files below the export's root. */
  readonly below: (location: string) => Promise<string>;
}

export async function openChunk(files: readonly PlannedFile[], reading: Reading, db: DuckDbSession): Promise<OpenChunk> {
  const scratch = new Scratch(db);
  try {
    const sql = await new ChunkReader(reading, { db, storage: reading.storage, scratch }).select(files);
    withVariants(sql, db);
    return { sql, close: () => scratch.close() };
  } catch (error) {
    await scratch.close().catch(() => undefined); // the first failure is the one to tell
    throw error;
  }
}

interface ScanFile extends PlacedFile {
  readonly planned: PlannedFile;
}

interface StoredDelete extends PlacedFile {
  readonly file: DeleteFile;
}

/** Keys that equality deletes of one set of columns name, split by where they hold. */
interface KeyTables {
  readonly ids: readonly number[];
  readonly everywhere: string | undefined;
  readonly inPartition: string | undefined;
}

class ChunkReader {
  private readonly partitions = new Map<string, number>();

  constructor(
    private readonly reading: Reading,
    private readonly session: Session,
  ) {}

  async select(files: readonly PlannedFile[]): Promise<string> {
    const inner = this.reading.where === undefined ? this.reading.columns : this.reading.available;
    const data = await relations(files.map(scanFile), this.session, this.wanted(files, inner));
    const positions = await this.deletedPositions(data);
    const keys = await this.deletedKeys(files);
    const branches: string[] = [];
    for (const [index, relation] of data.entries()) branches.push(await this.branch(relation, index, inner, positions, keys));
    const union = branches.length === 0 ? this.nothing(inner) : branches.join("\nUNION ALL\n");
    if (this.reading.where === undefined) return union;
    const names = this.reading.columns.map((field) => ident(field.name)).join(", ");
    const floats = inner.filter((field) => logicalType(field.type).kind === "float").map((field) => field.name);
    return `SELECT ${names} FROM ${withNan(floats, `(\n${union}\n)`)} WHERE (${this.reading.where}\n)`;
  }

  /** The columns that are read: those of the answer and those that equality deletes compare by. */
  private wanted(files: readonly PlannedFile[], columns: readonly IcebergField[]): Wanted {
    const keys = new Set(files.flatMap(({ deletes }) => deletes.equalities.flatMap(({ equalityIds }) => equalityIds)));
    const tops = [...keys].flatMap((id) => this.pathOf(id)?.[0]?.id ?? []);
    return {
      fields: new Set([...columns.map(({ id }) => id), ...tops]),
      nanoseconds: this.nanoseconds(),
      opaque: columns.some(({ type }) => isOpaque(type)),
      conditions: this.implied(),
    };
  }

  /** What the predicate says of single columns. */
  private implied(): readonly FieldCondition[] {
    const { where, available } = this.reading;
    return (where === undefined ? [] : conditions(where)).flatMap((condition) => {
      const field = available.find(({ name }) => name.toLowerCase() === condition.column.toLowerCase());
      return field === undefined ? [] : [{ field, condition }];
    });
  }

  private nanoseconds(): ReadonlySet<number> {
    return new Set(this.reading.schemas.flatMap(({ fields }) => nanosecondIds(fields)));
  }

  private pathOf(id: number): readonly IcebergField[] | undefined {
    return this.reading.schemas.map((schema) => fieldPath(schema, id)).find((found) => found !== undefined);
  }

  private nothing(columns: readonly IcebergField[]): string {
    const fields = columns.map(
      (field) => `${projectColumn({ ...field, required: false }, [], "s", { file: "", constants: new Map() })} AS ${ident(field.name)}`,
    );
    return `SELECT ${fields.join(", ")} WHERE false`;
  }

  private async branch(
    relation: Relation<ScanFile>,
    index: number,
    columns: readonly IcebergField[],
    positions: string | undefined,
    keys: readonly KeyTables[],
  ): Promise<string> {
    const first = relation.files[0]?.planned;
    if (first === undefined) return this.nothing(columns);
    const fields = this.identified(relation.fields, first.path);
    const constantIds = this.constantIds(fields, first.data);
    const needsFacts = constantIds.length > 0 || first.deletes.equalities.length > 0 || columns.some((field) => isRowLineage(field.id));
    const facts = needsFacts ? await this.facts(relation, constantIds) : undefined;
    const projection = { file: first.path, constants: new Map(constantIds.map((id) => [id, `f.${ident(`c${id}`)}`])) };
    const column = (field: IcebergField): string =>
      isRowLineage(field.id) ? lineageSql(field, fields, relation.rowNumber, projection) : projectColumn(field, fields, "s", projection);
    const select = columns.map((field) => `${column(field)} AS ${ident(field.name)}`).join(", ");
    const joins = [relation.from];
    if (facts !== undefined) joins.push(`JOIN ${ident(facts)} AS f ON f.file = ${relation.fileIndex}`);
    if (positions !== undefined && hasPositions(first)) {
      joins.push(
        `ANTI JOIN (SELECT file, pos FROM ${ident(positions)} WHERE relation = ${index}) AS p ON p.file = ${relation.fileIndex} AND p.pos = ${relation.rowNumber}`,
      );
    }
    if (first.deletes.equalities.length > 0) joins.push(...keys.flatMap((table) => this.keyJoins(table, column)));
    const { rows } = first;
    const range = rows === undefined ? "" : ` WHERE ${relation.rowNumber} >= ${rows.start} AND ${relation.rowNumber} < ${rows.end}`;
    return `SELECT ${select} FROM ${joins.join(" ")}${range}`;
  }

  private keyJoins(table: KeyTables, column: (field: IcebergField) => string): readonly string[] {
    const equal = this.keySql(table.ids, column, false)
      .map((sql, index) => `k.k${index} IS NOT DISTINCT FROM ${sql}`)
      .join(" AND ");
    // an equality delete is about rows that are strictly older
    const join = (name: string, scope: string): string => `ANTI JOIN ${ident(name)} AS k ON ${equal}${scope} AND k.sequence > f.sequence`;
    return [
      ...(table.everywhere === undefined ? [] : [join(table.everywhere, "")]),
      ...(table.inPartition === undefined ? [] : [join(table.inPartition, " AND k.part = f.part")]),
    ];
  }

  /** Key columns by field id, wherever in structs they lie and whatever they are called by now, as values to be compared. */
  private keySql(ids: readonly number[], column: (field: IcebergField) => string, inDelete: boolean): readonly string[] {
    return ids.flatMap((id) => {
      const path = this.pathOf(id);
      const [top, ...below] = path ?? [];
      if (top === undefined)
        throw corrupt(
          "An equality delete",
          `It compares by the field id ${id}, which no schema of the table has at its top or in a struct.`,
        );
      return keyParts(column(onlyPath(top, below, inDelete)), top, below);
    });
  }

  /** What is the same for all rows of a file, as a small table to join: age, partition, first row id, partition values. */
  private async facts(
    relation: Relation<PlacedFile & { readonly planned?: PlannedFile; readonly file?: DeleteFile }>,
    constantIds: readonly number[],
  ): Promise<string> {
    const rows = relation.files.map(({ planned, file, path }, index) => {
      const entry = planned?.data ?? file;
      if (entry === undefined) throw new Error("a relation's files are data files or delete files");
      const constants = constantIds.map((id) => this.constant(entry, id, path));
      return `(${[index, entry.sequence, this.partition(partitionKey(entry)), planned?.data.firstRowId ?? "NULL", ...constants].join(", ")})`;
    });
    const names = ["file", "sequence", "part", "first_row_id", ...constantIds.map((id) => `c${id}`)];
    const values = `SELECT * FROM (VALUES ${rows.join(", ")}) AS v(${names.map(ident).join(", ")})`;
    return this.session.scratch.createAs(
      "files",
      `SELECT * REPLACE (CAST(file AS BIGINT) AS file, CAST(first_row_id AS BIGINT) AS first_row_id, CAST(sequence AS BIGINT) AS sequence) FROM (${values})`,
    );
  }

  private partition(key: string): number {
    const known = this.partitions.get(key) ?? this.partitions.size;
    this.partitions.set(key, known);
    return known;
  }

  /** Source columns of identity partitions that the file itself lacks (spec, "Column Projection"). */
  private constantIds(fields: readonly FileField[], file: DataFile): readonly number[] {
    const stored = new Set(allIds(fields));
    return file.spec.fields.flatMap(({ transform, sources: [source] }) =>
      transform.kind === "identity" && source !== undefined && !stored.has(source) && this.fieldOf(source) !== undefined ? [source] : [],
    );
  }

  private constant(entry: DataFile | DeleteFile, id: number, path: string): string {
    const index = entry.spec.fields.findIndex(({ transform, sources }) => transform.kind === "identity" && sources[0] === id);
    const field = this.fieldOf(id);
    if (field === undefined) throw new Error(`field ${id} was found before`);
    return constantSql(entry.partition[index] ?? null, field.type, path);
  }

  private fieldOf(id: number): IcebergField | undefined {
    return this.pathOf(id)?.at(-1);
  }

  private identified(fields: readonly FileField[], path: string): readonly FileField[] {
    if (hasIds(fields)) return fields;
    if (this.reading.nameMapping !== undefined) return applyNameMapping(fields, this.reading.nameMapping);
    throw corrupt(path, "Its columns have no field ids, and the table has no name mapping (schema.name-mapping.default).");
  }

  /** A table (relation, file, pos) of all deleted positions, or undefined when there is none. */
  private async deletedPositions(data: readonly Relation<ScanFile>[]): Promise<string | undefined> {
    const parts = [...(await this.vectorPositions(data)), ...(await this.filePositions(data))];
    return parts.length === 0 ? undefined : this.session.scratch.createAs("positions", parts.join(" UNION ALL "));
  }

  private async vectorPositions(data: readonly Relation<ScanFile>[]): Promise<readonly string[]> {
    const found = data.flatMap(({ files }, relation) =>
      files.flatMap(({ planned }, file) =>
        planned.deletes.vector === undefined ? [] : [{ relation, file, vector: planned.deletes.vector }],
      ),
    );
    if (found.length === 0) return [];
    const name = this.session.scratch.table("vectors");
    const columns = ["relation", "file", "pos"].map((column) => ({ name: column, type: "BIGINT" }));
    await this.session.db.appendColumns(name, this.vectorBatches(found), columns);
    return [`SELECT * FROM ${ident(name)}`];
  }

  private async *vectorBatches(found: readonly { readonly relation: number; readonly file: number; readonly vector: DeleteFile }[]) {
    for (const { relation, file, vector } of found) {
      const path = await this.reading.below(vector.location);
      const { offset: start, length } = vector.blob ?? { offset: 0, length: 0 };
      const blob = await this.session.storage.read(path, { start, length });
      for (const part of batched(readDeletionVector(blob, vector.rows, path))) {
        yield { rows: part.length, columns: [part.map(() => BigInt(relation)), part.map(() => BigInt(file)), part] };
      }
    }
  }

  private async filePositions(data: readonly Relation<ScanFile>[]): Promise<readonly string[]> {
    const targets = data.flatMap(({ files }, relation) =>
      files.flatMap(({ planned }, file) =>
        planned.deletes.positions.length === 0
          ? []
          : [
              `(${[literal(planned.data.location), relation, file, planned.data.sequence, this.partition(partitionKey(planned.data))].join(", ")})`,
            ],
      ),
    );
    if (targets.length === 0) return [];
    const table = await this.session.scratch.createAs(
      "targets",
      `SELECT * FROM (VALUES ${targets.join(", ")}) AS v(path, relation, file, sequence, part)`,
    );
    const deletes = await this.stored(data.flatMap(({ files }) => files.flatMap(({ planned }) => planned.deletes.positions)));
    const parts: string[] = [];
    for (const relation of deletes) {
      const facts = await this.facts(relation, []);
      const fields = hasIds(relation.fields) ? relation.fields : applyNameMapping(relation.fields, deleteNames);
      const column = (field: IcebergField): string =>
        projectColumn(field, fields, "s", { file: relation.files[0]?.path ?? "", constants: new Map() });
      parts.push(
        `SELECT t.relation, t.file, d.pos FROM (SELECT ${column(deletePath)} AS path, ${column(deletePosition)} AS pos, f.sequence, f.part
         FROM ${relation.from} JOIN ${ident(facts)} AS f ON f.file = ${relation.fileIndex}) AS d
         JOIN ${ident(table)} AS t ON t.path = d.path AND t.part = d.part AND t.sequence <= d.sequence`,
      );
    }
    return parts;
  }

  private async deletedKeys(files: readonly PlannedFile[]): Promise<readonly KeyTables[]> {
    const sets = new Map<string, DeleteFile[]>();
    for (const file of new Set(files.flatMap(({ deletes }) => deletes.equalities))) {
      const key = [...file.equalityIds].sort((a, b) => a - b).join(",");
      sets.set(key, [...(sets.get(key) ?? []), file]);
    }
    const tables: KeyTables[] = [];
    for (const [key, deletes] of sets) {
      const ids = key.split(",").map(Number);
      const local = deletes.filter((file) => file.spec.fields.some(({ transform }) => transform.kind !== "void"));
      const everywhere = deletes.filter((file) => !local.includes(file));
      tables.push({ ids, everywhere: await this.keyTable(ids, everywhere), inPartition: await this.keyTable(ids, local) });
    }
    return tables;
  }

  private async keyTable(ids: readonly number[], deletes: readonly DeleteFile[]): Promise<string | undefined> {
    if (deletes.length === 0) return undefined;
    const parts: string[] = [];
    let width = 0;
    for (const relation of await this.stored(deletes)) {
      const facts = await this.facts(relation, []);
      const path = relation.files[0]?.path ?? "";
      const fields = this.identified(relation.fields, path);
      const column = (field: IcebergField): string => projectColumn(field, fields, "s", { file: path, constants: new Map() });
      const keys = this.keySql(ids, column, true).map((sql, index) => `${sql} AS k${index}`);
      width = keys.length;
      parts.push(
        `SELECT ${keys.join(", ")}, f.sequence, f.part FROM ${relation.from} JOIN ${ident(facts)} AS f ON f.file = ${relation.fileIndex}`,
      );
    }
    const keys = Array.from({ length: width }, (_, index) => `k${index}`).join(", ");
    // the youngest delete of a key decides for all older rows
    return this.session.scratch.createAs(
      "keys",
      `SELECT ${keys}, part, max(sequence) AS sequence FROM (${parts.join(" UNION ALL ")}) GROUP BY ${keys}, part`,
    );
  }

  private async stored(deletes: readonly DeleteFile[]): Promise<readonly Relation<StoredDelete>[]> {
    const placed: StoredDelete[] = [];
    for (const file of new Set(deletes))
      placed.push({ file, path: await this.reading.below(file.location), format: file.format, group: "" });
    return relations(placed, this.session, { fields: undefined, nanoseconds: this.nanoseconds(), opaque: false, conditions: [] });
  }
}

const BATCH_ROWS = 2048;

const deletePath: IcebergField = { id: FILE_PATH_ID, name: "file_path", type: { kind: "string" }, required: true };
const deletePosition: IcebergField = { id: POSITION_ID, name: "pos", type: { kind: "long" }, required: true };

/** The reserved names, for position deletes whose writer left no ids. */
const deleteNames = new Map([deletePath, deletePosition].map(({ id, name }) => [name, { id, below: new Map<string, NameMapping>() }]));

/** Files are scanned together that have the same partition spec, the same kinds of deletes, and no rows left out or the same. */
function scanFile(planned: PlannedFile): ScanFile {
  const { rows } = planned;
  const kinds = `${hasPositions(planned)} ${planned.deletes.equalities.length > 0} ${rows?.start ?? ""}`;
  return { planned, path: planned.path, format: planned.data.format, group: `${planned.data.spec.id} ${kinds}`, ...(rows && { rows }) };
}

function hasPositions({ deletes }: PlannedFile): boolean {
  return deletes.vector !== undefined || deletes.positions.length > 0;
}

function allIds(fields: readonly FileField[]): readonly number[] {
  return fields.flatMap(({ id, type }) => [...(id === undefined ? [] : [id]), ...(type.kind === "struct" ? allIds(type.fields) : [])]);
}

/** The field with nothing in it but the way to one member. A delete file must have the column; a data file may be older. */
function onlyPath(field: IcebergField, below: readonly IcebergField[], required: boolean): IcebergField {
  const [next, ...rest] = below;
  if (next === undefined) {
    const { initialDefault, ...bare } = field;
    return required ? { ...bare, required } : { ...field };
  }
  return { ...field, required: field.required || required, type: { kind: "struct", fields: [onlyPath(next, rest, required)] } };
}

/**
 * A key and the structs around it: a struct that is NULL is not one whose member is. Floats are compared as texts, because
 * for Iceberg's own reader -0.0 is not 0.0, and every NaN is the same.
 */
function keyParts(sql: string, field: IcebergField, below: readonly IcebergField[]): readonly string[] {
  const [next, ...rest] = below;
  if (next !== undefined) return [`((${sql}) IS NULL)`, ...keyParts(`struct_extract(${sql}, ${literal(next.name)})`, next, rest)];
  return [logicalType(field.type).kind === "float" ? `if(isnan(${sql}), 'NaN', CAST(${sql} AS VARCHAR))` : sql];
}

function* batched(positions: Iterable<number>): Generator<bigint[]> {
  let batch: bigint[] = [];
  for (const position of positions) {
    batch.push(BigInt(position));
    if (batch.length < BATCH_ROWS) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
