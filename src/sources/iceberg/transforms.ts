/* Partition transforms (Iceberg spec, "Partition Transforms"). Each is computed elsewhere; here they are only named. */

export type Transform =
  | { readonly kind: "identity" | "year" | "month" | "day" | "hour" | "void" }
  | { readonly kind: "bucket"; readonly buckets: number }
  | { readonly kind: "truncate"; readonly width: number }
  /** One that dw does not know: never used to leave files out, as the specification asks. */
  | { readonly kind: "unknown"; readonly text: string };

const plain = ["identity", "year", "month", "day", "hour", "void"] as const;

export function parseTransform(text: string): Transform {
  const kind = plain.find((name) => name === text);
  if (kind !== undefined) return { kind };
  const sized = /^(bucket|truncate)\[(\d{1,10})\]$/.exec(text);
  const size = Number(sized?.[2]);
  if (sized === null || size < 1) return { kind: "unknown", text };
  return sized[1] === "bucket" ? { kind: "bucket", buckets: size } : { kind: "truncate", width: size };
}

/** `bucket[16]`, `day`, as the specification writes them. */
export function transformText(transform: Transform): string {
  switch (transform.kind) {
    case "bucket":
      return `bucket[${transform.buckets}]`;
    case "truncate":
      return `truncate[${transform.width}]`;
    case "unknown":
      return transform.text;
    default:
      return transform.kind;
  }
}
