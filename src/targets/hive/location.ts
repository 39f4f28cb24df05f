import { DwError } from "../../core/errors.js";

/** A location as the metastore knows it, as an address that dw writes to. DW-USAGE. */
export function addressOf(location: string, files: Readonly<Record<string, string>>): string {
  const known = Object.entries(files).find(
    ([beginning]) => location === beginning || location.startsWith(`${beginning.replace(/\/$/, "")}/`),
  );
  if (known !== undefined) return withPath(known[1], location.slice(known[0].replace(/\/$/, "").length));
  if (location.startsWith("file:")) return decodeURIComponent(new URL(location).pathname);
  throw new DwError("DW-USAGE", {
    what: `It is not known how files are written to ${location}.`,
    why: "The table lies there, and a Hive connection only speaks to HiveServer2.",
    fix: 'State it in the connection: files: { "hdfs://lake:8020": "webhdfs://namenode:9870" }.',
  });
}

/** `?user.name=` stays behind the path. */
function withPath(address: string, path: string): string {
  const [place = "", query] = address.split("?");
  return `${place.replace(/\/$/, "")}${path}${query === undefined ? "" : `?${query}`}`;
}
