import { z } from "zod";

/* What ledgers that are no tables hold, checked when it is read back: others can write there, too. */

export const fingerprintShape = z.object({
  rows: z.string(),
  hash: z.tuple([z.string(), z.string()]),
  columns: z.array(
    z.object({
      name: z.string(),
      nulls: z.string(),
      min: z.string().nullable(),
      max: z.string().nullable(),
      sum: z.string().nullable(),
    }),
  ),
});

export const identityShape = z.object({ backfill: z.string(), source: z.string(), digest: z.string() });
