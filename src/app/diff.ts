import { buildPlan } from "../core/build-plan.js";
import { type Catalog, catalogFor, type ObjectId } from "../core/catalog.js";
import type { Change, Rename } from "../core/change.js";
import { diff } from "../core/diff.js";
import type { Engine } from "../core/engine.js";
import { DwError } from "../core/errors.js";
import type { Model } from "../core/model.js";
import type { Statement } from "../core/plan.js";
import type { EngineName } from "../core/types.js";
import { type Reached, reachOf } from "./diff-reach.js";
import type { LiveSlots } from "./migrate/live.js";
import { plannersOf } from "./migrate/make.js";
import type { Engines } from "./resolve.js";

/** Where one side of a comparison comes from. */
export type Revision =
  | { readonly kind: "models" }
  | { readonly kind: "migrations" }
  | { readonly kind: "git"; readonly at: string }
  | { readonly kind: "env"; readonly at: string }
  | { readonly kind: "dir"; readonly at: string }
  | { readonly kind: "ddl"; readonly at: string };

const REVISION = /^(git|env|dir|ddl):(.+)$/s;

/** Throws DW-USAGE for anything that is no revision. */
export function parseRevision(text: string): Revision {
  if (text === "models" || text === "migrations") return { kind: text };
  const [, kind, at] = REVISION.exec(text) ?? [];
  if (at !== undefined && (kind === "git" || kind === "env" || kind === "dir" || kind === "ddl")) return { kind, at };
  throw new DwError("DW-USAGE", {
    what: `${JSON.stringify(text)} is not something to compare.`,
    why: "It is models, migrations, git:REF, env:NAME, dir:PATH or ddl:FILE.",
    fix: "For example: `dw diff --from git:main --to models`.",
  });
}

/** One side, ready to compare. */
export interface Side {
  readonly catalog: Catalog;
  /** Live sides are compared in the form that their engines show, so both sides are brought to it. */
  readonly live?: LiveSlots;
  /** The engine whose SQL it was written in: both sides have only its objects, in the form that it keeps them. */
  readonly written?: EngineName;
}

export interface DiffReport {
  readonly warehouse: string;
  readonly from: string;
  readonly to: string;
  readonly changes: readonly Change[];
  /** What leads from one to the other; none for slots that are emulated, whose own statements nobody could check. */
  readonly statements: readonly Statement[];
  readonly emulated: readonly EngineName[];
  /** What reads or fills the changed objects and is not changed itself. */
  readonly radius: readonly Reached[];
  /** Bytes on disk now of objects that a statement writes again, where a side is an environment that can say so. */
  readonly bytes: Readonly<Record<ObjectId, number>>;
}

/** Compares two catalogs as one environment sees them. Pure. */
export function diffCatalogs(
  { from: fromName, to: toName }: { readonly from: string; readonly to: string },
  from: Side,
  to: Side,
  engines: Engines,
  options: {
    readonly environment: string;
    readonly renames: (from: Catalog, to: Catalog) => readonly Rename[];
    readonly models?: readonly Model[];
  },
): DiffReport {
  const slots = from.live ?? to.live;
  const written = from.written ?? to.written;
  const form = written === undefined ? slots : only(written, slots ?? engines);
  const before = comparable(from.catalog, options.environment, form);
  const after = comparable(to.catalog, options.environment, form);
  const renames = options.renames(before, after);
  const emulated = [...(slots?.values() ?? [])].flatMap((slot) => (slot.emulatedBy === undefined ? [] : [slot.slot]));
  const real = (catalog: Catalog): Catalog => ({ ...catalog, objects: catalog.objects.filter(({ slot }) => !emulated.includes(slot)) });
  const plan = buildPlan(real(before), real(after), plannersOf(engines), renames);
  const changes = diff(before, after, renames);
  return {
    warehouse: to.catalog.warehouse,
    from: fromName,
    to: toName,
    changes,
    statements: plan.statements,
    emulated,
    radius: reachOf(changes, [before, after], options.models ?? []),
    bytes: {},
  };
}

/** How objects of each slot look when they can be compared. */
type Forms = ReadonlyMap<EngineName, Pick<Engine, "normalize">>;

function only(engine: EngineName, forms: Forms): Forms {
  return new Map([...forms].filter(([name]) => name === engine));
}

/** Holes filled; against a live side, normalised and without the slots that it has not. */
function comparable(catalog: Catalog, environment: string, slots: Forms | undefined): Catalog {
  const filled = catalogFor(catalog, environment);
  if (slots === undefined) return filled;
  const objects = filled.objects.flatMap((object) => {
    const slot = slots.get(object.slot);
    return slot ? [slot.normalize(object)] : [];
  });
  return { ...filled, objects };
}
