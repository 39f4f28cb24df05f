import { isDwError } from "../../core/errors.js";
import type { Column } from "../../core/model.js";
import { avroSchema } from "../../engines/kafka/schema/avro.js";
import { parseAvroSchema } from "../../formats/avro/schema.js";
import { AvroCursor, compileRead } from "../../formats/avro/values.js";

/** A zero and the schema's number, four bytes: how clients of schema registries frame a message (Confluent's manual, "Wire format"). */
const FRAME = 5;

/**
 * Why an Avro message is not as the model says; undefined when it is. The schema is the one that dw writes for the topic, so
 * what another schema wrote is found as soon as its bytes do not read as this one's. No registry is asked.
 */
export function avroFaults(columns: Readonly<Record<string, Column>>): (value: Uint8Array | null) => string | undefined {
  const read = compileRead(parseAvroSchema(JSON.stringify(avroSchema("message", undefined, columns)), "the model's schema"));
  return (value) => {
    if (value === null) return undefined; // a tombstone
    if (value.length < FRAME || value[0] !== 0) return "it is not framed by a schema registry's client";
    const cursor = new AvroCursor(value.subarray(FRAME), "the message");
    try {
      read(cursor);
    } catch (error) {
      if (isDwError(error)) return error.why;
      throw error;
    }
    return cursor.left === 0 ? undefined : `${cursor.left} bytes more than the model says`;
  };
}
