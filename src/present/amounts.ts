const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `1.4 GiB`. */
export function bytesText(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}

/** `12 rows`, `3.4 k rows`, `1.2 M rows`. */
export function rowsText(rows: number): string {
  if (rows < 1000) return `${Math.round(rows)} ${Math.round(rows) === 1 ? "row" : "rows"}`;
  return rows < 1_000_000 ? `${(rows / 1000).toFixed(1)} k rows` : `${(rows / 1_000_000).toFixed(1)} M rows`;
}

/** `8 s`, `3 min`, `2.5 h`. */
export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
