import type { Storage } from "../../core/storage.js";
import { damaged } from "./letters.js";

/** Strict: metadata that is not UTF-8 is damaged. A BOM would be data, and then no JSON. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export async function readText(storage: Storage, file: string): Promise<string> {
  const bytes = await storage.read(file);
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw damaged(file, "It is not UTF-8 text.", error);
  }
}

export async function readJson(storage: Storage, file: string): Promise<unknown> {
  const text = await readText(storage, file);
  try {
    const json: unknown = JSON.parse(text);
    return json;
  } catch (error) {
    throw damaged(file, "It is not JSON.", error);
  }
}

/** A name from metadata that becomes one step of a path. */
export function isPlainName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\\\0]/.test(name);
}
