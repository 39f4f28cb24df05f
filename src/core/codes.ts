/**
 * Exit codes are contract (DESIGN §3): schedulers branch on them.
 * `found` 1, `usage` 2, `unreachable` 3 (worth a retry), `locked` 4, `refused` 5 (a retry will not help), `bug` 70.
 */
export const exitCodes = {
  found: 1,
  usage: 2,
  unreachable: 3,
  locked: 4,
  refused: 5,
  bug: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export type ErrorClass = keyof typeof exitCodes;

/** When several things went wrong at once, the first of these decides the exit code. */
export const exitPrecedence: readonly ErrorClass[] = [
  "bug",
  "interrupted",
  "terminated",
  "usage",
  "locked",
  "refused",
  "unreachable",
  "found",
];

interface CodeEntry {
  readonly class: ErrorClass;
  /** The long form that `dw explain CODE` prints: when it happens, and what people usually do about it. */
  readonly explain: string;
}

/** Every code that dw can answer with. Codes are contract: they are added, never renamed. */
export const codes = {
  // usage: wrong call, configuration or model
  "DW-USAGE": {
    class: "usage",
    explain: "The command was called with flags or arguments that it does not know or that contradict each other.",
  },
  "DW-ENV-MISSING": {
    class: "usage",
    explain: "No environment was named. On a terminal dw uses `local`; in a scheduler it never guesses: pass --env or set DW_ENV.",
  },
  "DW-ENV-UNKNOWN": { class: "usage", explain: "The environment is not one of those in dw.config.ts." },
  "DW-CONFIG-MISSING": { class: "usage", explain: "No dw.config.ts was found in this folder or above it. `dw init` writes one." },
  "DW-CONFIG-INVALID": { class: "usage", explain: "dw.config.ts does not have the expected shape; the message names the place." },
  "DW-CONNECTION-UNKNOWN": { class: "usage", explain: "A connection was named that dw.config.ts does not define." },
  "DW-SECRET-MISSING": { class: "usage", explain: "A secret reference (env, file, vault) did not resolve to a value." },
  "DW-STATE-MISSING": {
    class: "usage",
    explain: "The command needs a state store and the environment binds none (`state:` in dw.config.ts).",
  },
  "DW-MODEL-INVALID": { class: "usage", explain: "A model states something that cannot be; the message names file, model and column." },
  "DW-MODEL-LOAD": {
    class: "usage",
    explain: "A model file could not be loaded: a syntax error, a missing import or an exception while it ran.",
  },
  "DW-MODEL-DUPLICATE": { class: "usage", explain: "Two models have the same name in one warehouse." },
  "DW-WAREHOUSE-UNKNOWN": { class: "usage", explain: "No warehouse of that name lies under models/, or several do and none was named." },
  "DW-TYPE-UNSUPPORTED": { class: "usage", explain: "An engine cannot hold a column's values and no mapping was given." },
  "DW-TYPE-LOSSY": { class: "usage", explain: "An engine would change a column's values; accept the loss in the model or map the column." },
  "DW-SOURCE-UNKNOWN": { class: "usage", explain: "A SOURCE is NAME:REST, where NAME is a format, a connection or `model`." },
  "DW-BACKFILL-UNKNOWN": { class: "usage", explain: "No backfill of that name is defined." },
  "DW-BACKFILL-MAPPING": { class: "usage", explain: "A backfill's mapping does not fit its source or target." },
  "DW-MIGRATION-EDITED": {
    class: "usage",
    explain: "A migration's files differ from its recorded hash; `dw migrate rehash` accepts an edit by hand.",
  },
  "DW-MIGRATION-ORDER": {
    class: "usage",
    explain: "A pending migration is older than an applied one, or the history on disk and in the state store disagree.",
  },
  "DW-INTENT-INVALID": { class: "usage", explain: "intent.yaml names something that the plan does not contain, or has expired." },
  "DW-FILE-EXISTS": { class: "usage", explain: "A file that would be written exists already." },
  "DW-INTERACTIVE": {
    class: "usage",
    explain: "A question would have been asked, but there is no terminal; the message names the flag that answers it.",
  },
  "DW-CHECK-UNKNOWN": { class: "usage", explain: "A check, layer, tag or model was selected that does not exist." },
  "DW-SLOT-UNBOUND": {
    class: "usage",
    explain:
      "A model is meant for an engine that the environment does not connect: bind the slot in dw.config.ts, or give the environment an `embedded` folder.",
  },
  "DW-CONNECTION-UNSUPPORTED": {
    class: "usage",
    explain: "This version of dw cannot do that over a connection of that kind; the message says what it can do instead.",
  },
  // found: the answer is no
  "DW-DRIFT": { class: "found", explain: "The live objects differ from what the migrations say." },
  "DW-GENERATED-STALE": {
    class: "found",
    explain: "The files in generated/ are not what the models generate; run `dw generate` and commit.",
  },
  "DW-HAZARD-UNAPPROVED": {
    class: "found",
    explain: "The plan contains a hazard that nobody has approved; add the printed line to intent.yaml.",
  },
  "DW-RECONCILE-MISMATCH": { class: "found", explain: "Source and target do not hold the same rows; the certificate names the chunks." },
  "DW-AUDIT-FAILED": {
    class: "found",
    explain: 'Checks failed on the rows that a backfill with publish: "audited" has staged; nothing of them is visible.',
  },
  "DW-LINT-REFUSED": { class: "found", explain: "The engine would refuse a definition." },
  "DW-CHECK-FAILED": { class: "found", explain: "At least one check failed." },
  // unreachable
  "DW-CONNECT": { class: "unreachable", explain: "A server could not be reached or closed the connection." },
  "DW-TIMEOUT": { class: "unreachable", explain: "A server did not answer in the time allowed." },
  "DW-ALERT-UNSENT": {
    class: "unreachable",
    explain:
      "A channel of `alerts`, or a metrics gateway, did not take a message. The run's verdict and exit code stand; the next run tells it again.",
  },
  // locked
  "DW-LOCKED": { class: "locked", explain: "Another run holds the lock; the message says who and since when." },
  // refused
  "DW-AUTH": { class: "refused", explain: "The server refused the user or password." },
  "DW-PERMISSION": { class: "refused", explain: "The user lacks a right that the statement needs." },
  "DW-ENGINE-REFUSED": { class: "refused", explain: "The engine refused a statement; its own answer is in the message." },
  "DW-TARGET-MOVED": { class: "refused", explain: "A live object is not in the state that the plan starts from; nothing was changed." },
  "DW-FENCED": {
    class: "refused",
    explain: "The lock was taken over by another run while this one was paused; it stopped before doing harm.",
  },
  "DW-FILE-MISSING": { class: "refused", explain: "A file that the table's metadata names does not exist in the export." },
  "DW-FILE-CORRUPT": { class: "refused", explain: "A metadata or data file is truncated or damaged." },
  "DW-FILE-OUTSIDE": { class: "refused", explain: "A path in the table's metadata leads out of the export's root." },
  "DW-FILE-TOO-LARGE": { class: "refused", explain: "A metadata file or a decompressed block is larger than the stated bound." },
  "DW-TABLE-MISSING": { class: "refused", explain: "No table of the named format lies at that path." },
  "DW-SNAPSHOT-MISSING": { class: "refused", explain: "The table has no snapshot, tag or branch of that name, or none at that time." },
  "DW-SOURCE-UNSUPPORTED": {
    class: "refused",
    explain: "The table uses a feature that dw does not read; it is refused whole, never half-read.",
  },
  "DW-EMULATION-UNSUPPORTED": {
    class: "refused",
    explain: "The embedded profile emulates StarRocks and Hive on DuckDB; this needs the engine itself.",
  },
  "DW-VALUE-REFUSED": { class: "refused", explain: "A value cannot be held by the target without changing it." },
  "DW-QUARANTINE-FULL": { class: "refused", explain: "More rows cannot be loaded than the backfill allows to set aside." },
  "DW-POLICY-IN-THE-WAY": { class: "refused", explain: "A policy of the target would delete rows that the backfill brings." },
  "DW-RECOPY-REFUSED": {
    class: "refused",
    explain: "The differing rows of a backfill cannot be copied again one by one; the message says why.",
  },
  "DW-POLICY-PAUSED": { class: "refused", explain: "A policy that was paused for a backfill does not run again." },
  "DW-LOAD-UNKNOWN": {
    class: "refused",
    explain: "Whether a chunk arrived cannot be proved; nothing more was loaded. The message says how to decide.",
  },
  "DW-LOAD-CONFLICT": {
    class: "refused",
    explain: "A row to be loaded has a key that the target holds already; the chunk was rolled back whole.",
  },
  "DW-LEDGER-CONFLICT": { class: "refused", explain: "The ledger records another source, snapshot or mapping under this backfill's name." },
  "DW-MEMORY-LIMIT": { class: "refused", explain: "A statement needs more memory than DuckDB was given, and could not spill." },
  "DW-DISK-FULL": { class: "refused", explain: "A disk that dw needs is full." },
  // the run itself
  "DW-INTERRUPTED": {
    class: "interrupted",
    explain: "Ctrl-C (SIGINT). What was finished is recorded; the same command goes on from there.",
  },
  "DW-TERMINATED": { class: "terminated", explain: "SIGTERM. What was finished is recorded; the same command goes on from there." },
  "DW-BUG": { class: "bug", explain: "A mistake in dw itself. The message has a stack and says where to report it." },
} as const satisfies Record<string, CodeEntry>;

export type ErrorCode = keyof typeof codes;
