/*
 * What S3's answers need of XML: elements without attributes that matter, none inside of its own kind. A listing's keys
 * come percent-encoded, so that no element's text has a tag in it.
 */

/** The inner text of every element of that name. */
export function elements(xml: string, name: string): readonly string[] {
  const found: string[] = [];
  const [open, close] = [`<${name}>`, `</${name}>`];
  for (let at = xml.indexOf(open); at !== -1; at = xml.indexOf(open, at)) {
    const end = xml.indexOf(close, at);
    if (end === -1) break;
    found.push(xml.slice(at + open.length, end));
    at = end;
  }
  return found;
}

/** The text of the first element of that name, unescaped; undefined when there is none. */
export function text(xml: string, name: string): string | undefined {
  const [first] = elements(xml, name);
  return first?.replace(/&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));/g, (all, named, decimal, hex) => {
    if (named !== undefined) return entities[named] ?? all;
    const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return point > 0x10ffff ? all : String.fromCodePoint(point);
  });
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
