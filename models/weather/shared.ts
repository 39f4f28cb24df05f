import { perEnv } from "dwright";

/** The team that answers for the weather tables. */
export const owner = "weather-platform";

/** The stations' clocks. Twice a year an hour is missing or comes twice: partition and offset tell the repeated ones apart. */
export const zone = "Europe/Paris";

/** One broker locally and in tests, three elsewhere: copies cannot outnumber brokers. */
export const replicas = perEnv({ default: 3, local: 1, dev: 1, test: 1 });

/** All of weather lies in one Hive database. */
export const hiveDatabase = "weather";
