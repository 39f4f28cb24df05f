import type { Catalog, CatalogObject } from "./catalog.js";
import type { Change } from "./change.js";
import type { EngineTarget, Finding } from "./finding.js";
import type { ToModel } from "./imported.js";
import type { JsonObject } from "./json.js";
import type { Loss, TypeMapping } from "./loss.js";
import type { Column, Model } from "./model.js";
import type { Operation } from "./operation.js";
import type { StatementBody } from "./plan.js";
import type { Quoting } from "./sql.js";
import type { Dialect, EngineName, LogicalType } from "./types.js";

/*
 * What an engine is to the rest of the house. The offline part is pure; the live part (engines/x/introspect, execute,
 * load, read) is reached through `LiveEngine` by app/. `engines/index.ts` lists both.
 */

/** What resolving a warehouse's models for one engine gives. */
export interface Resolved {
  readonly objects: readonly CatalogObject[];
  readonly losses: readonly Loss[];
  readonly findings: readonly Finding[];
}

export interface ResolveContext {
  readonly warehouse: string;
  /** All models of the warehouse by name, for references in SQL bodies. */
  readonly models: ReadonlyMap<string, Model>;
}

/** One generated file: `path` relative to `generated/<warehouse>/<engine>/`. */
export interface RenderedFile {
  readonly path: string;
  readonly text: string;
}

export interface Engine {
  readonly name: EngineName;
  readonly dialect?: Dialect;
  /** dw writes its definitions and never talks to it: no slot is bound, and no migration has statements for it. */
  readonly emitsOnly?: true;
  readonly quoting?: Quoting;
  /** The object's name as SQL has to say it, once holes are filled; the object's own `name` when absent. */
  readonly qualifiedName?: (object: CatalogObject) => readonly string[];
  /** The logical type in this engine, with what is lost. Never throws: the impossible is a level. */
  readonly mapType: (type: LogicalType, column?: Column) => TypeMapping;
  /** Objects for the models that name this engine in `on`. Throws DwError DW-MODEL-INVALID, DW-TYPE-UNSUPPORTED, DW-TYPE-LOSSY. */
  readonly resolve: (models: readonly Model[], context: ResolveContext) => Resolved;
  /** Of objects whose holes are filled: what the engine would refuse, and what it would accept and then lose data by. */
  readonly lint: (objects: readonly CatalogObject[], target: EngineTarget) => readonly Finding[];
  /** The same object in the form in which two equal objects have equal bodies (defaults filled, texts folded). */
  readonly normalize: (object: CatalogObject) => CatalogObject;
  /** Decisions for one change. Throws DwError DW-ENGINE-REFUSED-like codes only for what cannot be planned at all. */
  readonly decide: (change: Change) => readonly Operation[];
  /**
   * The slot's decisions once all are known, before they are ordered: what hangs on an altered object steps aside or is
   * rebuilt with it. Absent where the engine lets dependants be.
   */
  readonly weave?: (operations: readonly Operation[], before: Catalog, after: Catalog) => readonly Operation[];
  /** What operations leave to be brought back once they, or their ways back, are done: `catalog` is that which holds then. */
  readonly restore?: (operations: readonly Operation[], catalog: Catalog) => readonly Operation[];
  readonly generate: (operation: Operation) => readonly StatementBody[];
  /** The model of an object that exists, for `dw import`; absent where an engine cannot be read back. */
  readonly toModel?: ToModel;
  /** The object's DDL for people: one file an object, comments included. */
  readonly render: (object: CatalogObject) => RenderedFile;
}

/**
 * An engine whose definitions dw writes for others to run: no change of one is a statement of a migration, so that a plan
 * never waits for a system that dw does not talk to.
 */
export const emitOnly: Pick<Engine, "emitsOnly" | "normalize" | "decide" | "generate"> = {
  emitsOnly: true,
  normalize: (object) => object,
  decide: () => [],
  generate: ({ op, object }) => {
    throw new Error(`${op} of ${object.id}: this engine only emits`);
  },
};

/** How a live object relates to us. Objects that dw did not make are never dropped. */
export interface Introspected {
  readonly catalog: Catalog;
  /** What lies there but cannot be modelled: reported, never guessed. */
  readonly unmodelled: readonly { readonly name: string; readonly what: string }[];
}

export interface LiveEngine<Connection> {
  readonly introspect: (connection: Connection, warehouse: string, wanted: Catalog) => Promise<Introspected>;
  /**
   * Runs one statement; throws DwError with the statement's text, the engine's answer and a code by its class. `say` hears how
   * far work in the background has come.
   */
  readonly execute: (connection: Connection, statement: StatementBody, signal: AbortSignal, say?: (line: string) => void) => Promise<void>;
}

export type EngineAction = JsonObject & { readonly action: string };
