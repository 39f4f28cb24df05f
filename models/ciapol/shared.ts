import { perEnv } from "dwright";

/** All of ciapol lies in one StarRocks database. */
export const database = "ciapol_analytics";

/** One backend locally and in tests, three elsewhere: the number of copies cannot exceed the number of backends. */
export const replication = perEnv({ default: 3, local: 1, dev: 1, test: 1 });

/** The teams that answer for a table. */
export const owners = { ingestion: "ciapol-ingestion", quality: "ciapol-air-quality" } as const;

/** What the stations measure, as their firmware spells it. */
export const pollutants = ["PM2.5", "PM10", "NO2", "O3", "SO2", "CO"] as const;
