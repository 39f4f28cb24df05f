import { setTimeout as sleep } from "node:timers/promises";
import { DwError } from "../core/errors.js";
import type { Pg } from "../core/session.js";
import type { Lease, LockHolder } from "../core/state.js";

/*
 * A lock is a row with an owner, an expiry by the server's clock and a fence that rises with every holder. A holder that
 * was paused finds a higher fence when it wakes. Advisory locks of a session would be simpler, but they strand behind a
 * transaction pooler: the pooled server connection keeps them after the client is gone.
 */

export interface LeaseTerms {
  readonly environment: string;
  /** Milliseconds that a holder may be silent before others may take over. */
  readonly leaseMs: number;
}

const POLL_MS = 200;

export async function takeLease(pg: Pg, terms: LeaseTerms, name: string, owner: string, waitMs: number): Promise<Lease> {
  const until = Date.now() + waitMs;
  for (;;) {
    const fence = await tryTake(pg, terms, name, owner);
    if (fence !== undefined) return hold(pg, terms, name, fence);
    const left = until - Date.now();
    if (left <= 0) throw lockedBy(name, await holderOf(pg, terms, name), waitMs);
    await sleep(Math.min(POLL_MS, left));
  }
}

async function tryTake(pg: Pg, terms: LeaseTerms, name: string, owner: string): Promise<number | undefined> {
  const [row] = await pg.query<{ fence: string | number }>(
    `INSERT INTO dw_state.lock AS held (environment, name, owner, fence, since, expires)
     VALUES ($1, $2, $3, 1, clock_timestamp(), clock_timestamp() + $4 * interval '1 millisecond')
     ON CONFLICT (environment, name) DO UPDATE
       SET owner = excluded.owner, fence = held.fence + 1, since = excluded.since, expires = excluded.expires
       WHERE held.expires <= clock_timestamp()
     RETURNING fence`,
    [terms.environment, name, owner, terms.leaseMs],
  );
  return row === undefined ? undefined : Number(row.fence);
}

async function holderOf(pg: Pg, terms: LeaseTerms, name: string): Promise<LockHolder | undefined> {
  const [row] = await pg.query<{ owner: string; since: string }>(
    `SELECT owner, to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since
     FROM dw_state.lock WHERE environment = $1 AND name = $2`,
    [terms.environment, name],
  );
  return row;
}

export function lockedBy(name: string, holder: LockHolder | undefined, waitMs: number): DwError {
  const who = holder ? `${holder.owner}, since ${holder.since}` : "another run that has just finished";
  return new DwError("DW-LOCKED", {
    what: `The lock ${name} is held by ${who}.`,
    why: waitMs > 0 ? `It was not released within ${waitMs} ms.` : "Two runs at once would undo each other's work.",
    fix: "Run again when the other run is over, or wait for it with --lock-timeout. A holder that died is replaced when its lease expires.",
  });
}

function hold(pg: Pg, terms: LeaseTerms, name: string, fence: number): Lease {
  const key = [terms.environment, name, fence] as const;
  // A renewal that fails is not an error yet: the connection may come back, and whoever writes checks the fence anyway.
  const renewal = setInterval(() => void renew(pg, terms, key).catch(() => undefined), terms.leaseMs / 3);
  renewal.unref();
  return {
    name,
    fence,
    assertHeld: async () => {
      if (!(await renew(pg, terms, key))) throw fenced(name);
    },
    release: async () => {
      clearInterval(renewal);
      // The row stays: a fence that started again at 1 would let an old holder pass for the new one.
      await pg.query(
        "UPDATE dw_state.lock SET expires = clock_timestamp() WHERE environment = $1 AND name = $2 AND fence = $3 AND expires > clock_timestamp()",
        key,
      );
    },
  };
}

async function renew(pg: Pg, terms: LeaseTerms, key: readonly [string, string, number]): Promise<boolean> {
  const rows = await pg.query(
    `UPDATE dw_state.lock SET expires = clock_timestamp() + $4 * interval '1 millisecond'
     WHERE environment = $1 AND name = $2 AND fence = $3 RETURNING fence`,
    [...key, terms.leaseMs],
  );
  return rows.length > 0;
}

export function fenced(name: string): DwError {
  return new DwError("DW-FENCED", {
    what: `The lock ${name} was taken over by another run.`,
    why: "This run was silent for longer than its lease, so the other one may have continued its work.",
    fix: "Look at `dw migrate status`, then run the command again; what is already done is not done twice.",
  });
}
