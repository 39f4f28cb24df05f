const mask = "[secret]";

/** Shorter secrets are masked only where they stand alone: masking every "ab" would make messages unreadable. */
const standsAlone = 4;

/**
 * Masks secrets in text that leaves the process (errors, logs). Every secret that is resolved is added here first, in each
 * form in which it may come back: as it is, percent-encoded (connection strings), and as JSON or SQL would escape it.
 */
export class Redactor {
  readonly #patterns = new Map<string, RegExp>();

  add(secret: string): void {
    const escaped = JSON.stringify(secret).slice(1, -1);
    for (const form of [secret, encodeURIComponent(wellFormed(secret)), escaped, secret.replaceAll("'", "''")]) {
      if (form.trim() !== "") this.#patterns.set(form, pattern(form));
    }
  }

  redact(text: string): string {
    // Longest first: a secret that contains another one would otherwise leave its rest behind.
    const longestFirst = [...this.#patterns].sort(([a], [b]) => b.length - a.length);
    return longestFirst.reduce((masked, [, secret]) => masked.replace(secret, mask), text);
  }
}

/** Lone surrogates replaced, as any encoder would: encodeURIComponent throws on them. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

function pattern(secret: string): RegExp {
  const literal = secret.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(secret.length < standsAlone ? `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])` : literal, "gu");
}
