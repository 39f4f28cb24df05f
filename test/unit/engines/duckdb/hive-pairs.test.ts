import { expect, test } from "vitest";
import { type Catalog, catalogFor, catalogOf } from "../../../../src/core/catalog.js";
import { diff } from "../../../../src/core/diff.js";
import type { Model } from "../../../../src/core/model.js";
import { hive } from "../../../../src/engines/hive/index.js";
import { hivePairs } from "../../../live/hive-pairs.js";
import { emulated, withDatabase } from "./emulated.js";

/* The proof of test/live/proof-hive.test.ts, on the emulation: A is made, becomes B and, where a plan leads back, A again. */

const { migrate, live } = emulated(hive);
const nothing = catalogOf("proof", []);

function catalogWith(models: readonly Model[]): Catalog {
  const context = { warehouse: "proof", models: new Map(models.map((model) => [model.name, model])) };
  return catalogFor(catalogOf("proof", hive.resolve(models, context).objects), "local");
}

const normalized = ({ objects }: Catalog): Catalog => catalogOf("proof", objects.map(hive.normalize));

for (const { name, from, to, renames, seeded } of hivePairs) {
  test(`${name}: every state is what was wanted`, () =>
    withDatabase(async (db) => {
      const [a, b] = [catalogWith(from), catalogWith(to)];
      const isNow = async (wanted: Catalog): Promise<void> => expect(diff(normalized(await live(db)), normalized(wanted))).toEqual([]);
      await migrate(db, nothing, a);
      await isNow(a);
      if (seeded) await db.run("INSERT INTO proof.p (id) VALUES (1)");
      await migrate(db, a, b, renames);
      await isNow(b);
      if (seeded) expect(await db.rows("SELECT id FROM proof.p")).toEqual([{ id: "1" }]);
      if (renames) return; // a rename's way back is another rename, which nobody has stated
      await migrate(db, b, a);
      await isNow(a);
      await migrate(db, a, nothing);
      await isNow(nothing);
    }));
}
