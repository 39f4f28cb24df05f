import { DwError } from "../core/errors.js";

/** A path below a root of another machine, without `.` and `..`; empty for the root. DW-FILE-OUTSIDE when it leads out. */
export function confined(root: string, path: string): string {
  if (path.includes("\0")) throw outside(root, path, "it contains a NUL character");
  if (path.startsWith("/") || /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(path)) throw outside(root, path, "it is absolute");
  const steps: string[] = [];
  for (const step of path.split("/")) {
    if (step === "..") {
      if (steps.pop() === undefined) throw outside(root, path, "it climbs out with ..");
    } else if (step !== ".") steps.push(step);
  }
  return steps.join("/");
}

export function outside(root: string, path: string, why: string): DwError {
  return new DwError("DW-FILE-OUTSIDE", {
    what: `The path ${JSON.stringify(path)} leaves ${root}: ${why}.`,
    why: "A table's metadata may only name files of its own export.",
    fix: "Point SOURCE at the folder that holds the whole export, and do not read exports that you do not trust.",
  });
}
