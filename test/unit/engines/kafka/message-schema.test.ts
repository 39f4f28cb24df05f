import avsc from "avsc";
import { describe, expect, test } from "vitest";
import { type Catalog, catalogOf } from "../../../../src/core/catalog.js";
import { diff } from "../../../../src/core/diff.js";
import { kafka } from "../../../../src/engines/kafka/index.js";
import { avroFault, avroSchema } from "../../../../src/engines/kafka/schema/avro.js";
import { type AnyColumns, defineTopic, t } from "../../../../src/index.js";

type Schema = { readonly [option: string]: unknown };

function catalog(columns: AnyColumns, schema: Schema, format: "json" | "avro" = "avro"): Catalog {
  const model = defineTopic("orders", {
    columns,
    on: { kafka: { topic: "shop.orders", partitions: 3, replicationFactor: 3, format, schema } },
  } as Parameters<typeof defineTopic>[1]); // tests combine what types would narrow
  return catalogOf("shop", kafka.resolve([model], { warehouse: "shop", models: new Map() }).objects);
}

const columns = {
  id: t.bigint("key"),
  paid: t.decimal(18, 4, "money"),
  state: t.enum(["new", "paid"], "how far"),
  note: t.text("free").nullable(),
};

describe("message schemas", () => {
  test("a topic's messages are an Avro schema that Avro reads", () => {
    const [schema] = catalog(
      { ...columns, at: t.instant("when"), tags: t.list(t.text()), where: t.struct({ city: t.text("c").nullable() }) },
      { namespace: "shop.v1" },
    ).objects;
    const file = schema && kafka.render(schema);
    expect(file?.path).toBe("message-schema/shop.orders-value.avsc");
    expect(JSON.parse(file?.text ?? "")).toMatchObject({
      type: "record",
      name: "orders",
      namespace: "shop.v1",
      fields: [
        { name: "id", type: "long", doc: "key" },
        { name: "paid", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 4 } },
        { name: "state", type: { type: "enum", name: "orders_state", symbols: ["new", "paid"] } },
        { name: "note", type: ["null", "string"], default: null },
        { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
        { name: "tags", type: { type: "array", items: "string" } },
        {
          name: "where",
          type: { type: "record", name: "orders_where", fields: [{ name: "city", type: ["null", "string"], doc: "c", default: null }] },
        },
      ],
    });
    expect(() => avsc.Type.forSchema(JSON.parse(file?.text ?? ""))).not.toThrow();
  });

  test("and a closed JSON Schema", () => {
    const [schema] = catalog(columns, { subject: "orders" }, "json").objects;
    const file = schema && kafka.render(schema);
    expect(file?.path).toBe("message-schema/orders.schema.json");
    expect(JSON.parse(file?.text ?? "")).toMatchObject({
      title: "orders",
      type: "object",
      properties: { state: { type: "string", enum: ["new", "paid"] }, note: { type: ["string", "null"] } },
      required: ["id", "paid", "state"],
      additionalProperties: false,
    });
  });

  const { note: _, ...withoutNote } = columns;
  const changes: [string, AnyColumns, string][] = [
    ["a nullable field comes", { ...columns, more: t.int("m").nullable() }, "ok"],
    ["a field with a default comes", { ...columns, more: t.int("m").default(0) }, "ok"],
    ["a field comes that has to be there", { ...columns, more: t.int("m") }, "backward"],
    ["a nullable field goes", withoutNote, "ok"],
    ["a field becomes wider", { ...columns, id: t.decimal(38, 0) }, "both"],
    ["an enum gets a value", { ...columns, state: t.enum(["new", "paid", "sent"], "how far") }, "forward"],
    ["an enum loses one", { ...columns, state: t.enum(["new"], "how far") }, "backward"],
    ["a field becomes nullable", { ...columns, paid: columns.paid.nullable() }, "forward"],
    ["a field may not be missing any more", { ...columns, note: t.text("free") }, "backward"],
  ];

  test.each(changes)("Avro: %s", (_name, next, breaks) => {
    const breaksOf = (compatibility: string): boolean => {
      const change = diff(catalog(columns, { compatibility }), catalog(next, { compatibility }));
      try {
        expect(change.flatMap(kafka.decide)).toEqual([]);
        return false;
      } catch (error) {
        expect(String(error)).toContain("compatibility forbids");
        return true;
      }
    };
    expect([breaksOf("BACKWARD"), breaksOf("FORWARD"), breaksOf("FULL_TRANSITIVE"), breaksOf("NONE")]).toEqual([
      breaks === "backward" || breaks === "both",
      breaks === "forward" || breaks === "both",
      breaks !== "ok",
      false,
    ]);
  });

  test("JSON: what closed readers would refuse is refused", () => {
    const breaks = (next: AnyColumns, compatibility: string): boolean => {
      const change = diff(catalog(columns, { compatibility }, "json"), catalog(next, { compatibility }, "json"));
      try {
        change.flatMap(kafka.decide);
        return false;
      } catch {
        return true;
      }
    };
    expect(breaks({ ...columns, more: t.int("m").nullable() }, "BACKWARD")).toBe(false);
    expect(breaks({ ...columns, more: t.int("m").nullable() }, "FORWARD")).toBe(true);
    expect(breaks({ ...columns, more: t.int("m") }, "BACKWARD")).toBe(true);
    expect(breaks(withoutNote, "BACKWARD")).toBe(true);
    expect(breaks(withoutNote, "FORWARD")).toBe(false);
    expect(breaks({ ...columns, state: t.enum(["new"], "") }, "BACKWARD")).toBe(true);
  });

  test("our reading of Avro's resolution is that of an Avro library, over pairs of many types", () => {
    const types: AnyColumns = {
      a: t.int("").default(0),
      b: t.bigint(""),
      c: t.float(""),
      d: t.double(""),
      e: t.text(""),
      f: t.binary(""),
      g: t.boolean(""),
      h: t.fixed(4, ""),
      i: t.enum(["x", "y"], ""),
      j: t.enum(["x"], ""),
      k: t.list(t.int()),
      l: t.list(t.bigint().nullable()),
      m: t.map(t.text(), t.int()),
      n: t.struct({ u: t.int("") }),
      o: t.struct({ u: t.int(""), v: t.text("").nullable() }),
    };
    const all = Object.values(types).flatMap((type) => [type, type.nullable()]);
    const schemas = all.map((type) => avroSchema("r", undefined, { x: type.column }));
    const wrong: string[] = [];
    for (const reader of schemas) {
      for (const writer of schemas) {
        let theirs = true;
        try {
          avsc.Type.forSchema(reader as never).createResolver(avsc.Type.forSchema(writer as never)); // a schema by construction
        } catch {
          theirs = false;
        }
        if ((avroFault(reader, writer) === undefined) !== theirs)
          wrong.push(`${JSON.stringify(writer)} read as ${JSON.stringify(reader)}: theirs ${theirs}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("names that Avro does not take are refused with the model's place", () => {
    expect(() => catalog({ größe: t.int("") }, {})).toThrow(/cannot be a name in an Avro schema/);
  });
});
