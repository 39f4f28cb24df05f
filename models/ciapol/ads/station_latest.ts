import { defineView, sql, t } from "dwright";
import measurements from "../dwd/sensor_measurements_zeta.js";
import { database, owners } from "../shared.js";

const m = measurements.col;

/** What the map shows. A view: it is asked rarely and has to be current. */
export default defineView("station_latest", {
  layer: "ads",
  owner: owners.quality,
  comment: "When each station was heard last",
  columns: {
    station_id: t.varchar(24, "station"),
    last_event: t.instant("newest measurement, UTC"),
    measurements: t.bigint("measurements in all"),
  },
  query: {
    starrocks: sql.starrocks`
      SELECT ${m.station_id}, max(${m.event_time}) AS last_event, count(*) AS measurements
      FROM ${measurements}
      GROUP BY ${m.station_id}`,
    duckdb: sql.duckdb`
      SELECT ${m.station_id}, max(${m.event_time}) AS last_event, count(*) AS measurements
      FROM ${measurements}
      GROUP BY ${m.station_id}`,
  },
  on: { starrocks: { database } },
});
