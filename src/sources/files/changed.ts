import { entryKey, entryValue, quoteName, quoteText } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";

/** Another SQL for a value of a type that is not nested; undefined where it stays as it is. */
export type Change = (sql: string, type: LogicalType) => string | undefined;

/** The value as SQL with the parts changed that it is made of, at any depth; undefined where nothing in it is. */
export function changed(sql: string, type: LogicalType, change: Change, depth = 0): string | undefined {
  const inner = (part: string, of: LogicalType): string | undefined => changed(part, of, change, depth + 1);
  switch (type.kind) {
    case "list": {
      const element = inner(`e${depth}`, type.element.type);
      return element && `list_transform(${sql}, lambda e${depth} : ${element})`;
    }
    case "map": {
      const [key, value] = [inner(entryKey(`e${depth}`), type.key), inner(entryValue(`e${depth}`), type.value.type)];
      if (key === undefined && value === undefined) return undefined;
      const entry = `struct_pack(k := ${key ?? entryKey(`e${depth}`)}, v := ${value ?? entryValue(`e${depth}`)})`;
      return `if(${sql} IS NULL, NULL, map_from_entries(list_transform(map_entries(${sql}), lambda e${depth} : ${entry})))`;
    }
    case "struct": {
      const fields = type.fields.map(({ name, type: of }) => {
        const member = `struct_extract(${sql}, ${quoteText(name)})`;
        return { name, member, other: inner(member, of) };
      });
      if (fields.every(({ other }) => other === undefined)) return undefined;
      return `if(${sql} IS NULL, NULL, struct_pack(${fields.map(({ name, member, other }) => `${quoteName(name)} := ${other ?? member}`).join(", ")}))`;
    }
    default:
      return change(sql, type);
  }
}
