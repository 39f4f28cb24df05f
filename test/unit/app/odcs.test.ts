import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { importModels } from "../../../src/app/import/index.js";
import { resolveWarehouse } from "../../../src/app/resolve.js";
import { engines } from "../../../src/engines/index.js";
import { loadModels } from "../../../src/model/load.js";
import { importer } from "../../../src/model/typescript.js";
import { projectFolder } from "../model/project-folder.js";

const contract = `
apiVersion: v3.1.0
kind: DataContract
id: 53581432-6c55-4ba2-a65f-72344a91553a
name: payments
version: 1.1.0
status: active
servers:
  - { server: main, type: postgresql, host: db, database: pay, schema: public }
schema:
  - name: payments
    physicalName: pay_1
    physicalType: table
    description: |
      Payments as
      they settle
    dataGranularityDescription: one row per payment
    tags: [finance]
    properties:
      - { name: id, logicalType: integer, physicalType: bigint, primaryKey: true, primaryKeyPosition: 1, required: true, description: payment }
      - { name: settled, logicalType: timestamp, physicalType: timestamptz, required: true }
      - { name: payer_mail, logicalType: string, physicalType: varchar(80), classification: restricted, unique: true }
      - { name: amount, logicalType: number, logicalTypeOptions: { minimum: 0 }, physicalType: "decimal(18,4)" }
      - name: country
        logicalType: string
        quality:
          - { type: library, metric: invalidValues, arguments: { validValues: [DE, FR] }, mustBeLessOrEqualTo: 1, unit: percent, name: known countries }
          - { type: library, metric: nullValues, mustBe: 0, severity: warning }
          - { type: text, description: countries are current }
    quality:
      - { type: library, metric: rowCount, mustBeBetween: [1, 1000000] }
      - { type: sql, query: "SELECT count(*) FROM pay_1 WHERE amount IS NULL", mustBe: 0, name: priced }
slaProperties:
  - { property: freshness, value: 2, unit: h, element: payments.settled }
  - { property: retention, value: 3, unit: y, element: payments.settled }
`;

const onlyFiles = {
  isConnection: async () => false,
  connections: () => Promise.reject(new Error("a file needs no connection")),
  openSource: () => Promise.reject(new Error("a contract is no source of rows")),
};

test("a data contract becomes tables with keys, checks and freshness; what it says beyond is listed", async () => {
  const root = await projectFolder({ "payments.odcs.yaml": contract });
  const request = { source: "odcs:payments.odcs.yaml", warehouse: "pay", out: "models", cwd: root, dryRun: false };
  const { unsaid } = await importModels(request, onlyFiles);
  expect(unsaid).toEqual([
    { name: "payments", what: 'the quality rule "countries are current" of country is none that dw makes a check of' },
    { name: "payments", what: 'the quality rule "priced" is none that dw makes a check of' },
    { name: "payments", what: "the service level retention of payments.settled has no word in a model" },
  ]);
  expect(
    await readFile(join(root, "models/pay/payments.ts"), "utf8"),
  ).toBe(`import { acceptedValues, defineTable, notNull, range, rowCount, t, unique } from "dwright";

export default defineTable("payments", {
  comment: "Payments as they settle",
  tags: ["finance"],
  grain: "one row per payment",
  columns: {
    id: t.bigint("payment"),
    settled: t.instant(),
    payer_mail: t.varchar(80).pii().nullable(),
    amount: t.decimal(18, 4).nullable(),
    country: t.text().nullable(),
  },
  key: ["id"],
  fresh: { column: "settled", within: "2 hours" },
  checks: [
    unique(["payer_mail"]),
    range("amount", { min: 0 }),
    acceptedValues("country", ["DE", "FR"], { fail: "1%", name: "known countries" }),
    notNull("country", { severity: "warn" }),
    rowCount({ min: 1, max: 1000000 }),
  ],
  on: { postgres: { name: "pay_1" } },
});
`);
  const models = await loadModels(root, "pay", await importer(root));
  expect(resolveWarehouse("pay", models, engines).catalog.objects.map(({ id }) => id)).toEqual(["postgres:table:public.pay_1"]);
});

test("a file that is no contract says why", async () => {
  const root = await projectFolder({});
  await mkdir(dirname(join(root, "x.yaml")), { recursive: true });
  await writeFile(join(root, "x.yaml"), "apiVersion: v2.2.2\nkind: DataContract\nschema: []\n");
  const request = { source: "odcs:x.yaml", warehouse: "pay", out: "models", cwd: root, dryRun: true };
  await expect(importModels(request, onlyFiles)).rejects.toMatchObject({ code: "DW-USAGE", why: "It says apiVersion v2.2.2." });
});
