/** The fields of the first record of a CSV text (RFC 4180), or undefined when it does not end in the text. */
export function csvRecord(text: string, delimiter: string): string[] | undefined {
  const fields: string[] = [];
  for (let at = 0; ; ) {
    const field = text[at] === '"' ? quotedField(text, at) : bareField(text, at, delimiter);
    if (field === undefined) return undefined;
    fields.push(field.value);
    if (text[field.end] !== delimiter) return fields;
    at = field.end + 1;
  }
}

interface Field {
  readonly value: string;
  readonly end: number;
}

function quotedField(text: string, start: number): Field | undefined {
  const match = /"((?:[^"]|"")*)"/y;
  match.lastIndex = start;
  const found = match.exec(text);
  return found === null ? undefined : { value: (found[1] ?? "").replaceAll('""', '"'), end: match.lastIndex };
}

function bareField(text: string, start: number, delimiter: string): Field {
  let end = start;
  while (end < text.length && text[end] !== delimiter && text[end] !== "\n" && text[end] !== "\r") end++;
  return { value: text.slice(start, end), end };
}
