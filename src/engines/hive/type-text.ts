/** A type as the metastore keeps it: lower case, no blanks, no names that mean another type. */
export function typeText(type: string): string {
  const words = type
    .toLowerCase()
    .replaceAll("`", "")
    .replace(/\s*([<>,:()])\s*/g, "$1")
    .replace(/\s+/g, " ")
    .trim();
  return words
    .replace(/(?<![\w:])(integer|dec|numeric|double precision|decimal(?!\()|bytes)(?![\w])/g, (word) => NAMES[word] ?? word)
    .replace(/decimal\((\d+)\)/g, "decimal($1,0)");
}

const NAMES: Readonly<Record<string, string>> = {
  integer: "int",
  dec: "decimal(10,0)",
  numeric: "decimal(10,0)",
  decimal: "decimal(10,0)",
  "double precision": "double",
};
