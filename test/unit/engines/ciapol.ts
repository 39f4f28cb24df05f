import aqiMonth from "../../../models/ciapol/ads/station_aqi_month_mv.js";
import latest from "../../../models/ciapol/ads/station_latest.js";
import archive from "../../../models/ciapol/dwd/sensor_measurements_archive_zeta.js";
import measurements from "../../../models/ciapol/dwd/sensor_measurements_zeta.js";
import aqi from "../../../models/ciapol/dws/aqi_hourly_zeta.js";
import stationDay from "../../../models/ciapol/dws/station_day_mv.js";
import raw from "../../../models/ciapol/ods/raw_measurements_zeta.js";
import type { Catalog } from "../../../src/core/catalog.js";
import { catalogFor, catalogOf } from "../../../src/core/catalog.js";
import type { Model } from "../../../src/core/model.js";
import { resolve } from "../../../src/engines/starrocks/resolve.js";

export const ciapolModels: readonly Model[] = [aqiMonth, latest, archive, measurements, aqi, stationDay, raw];

/** The StarRocks catalog of models, as the environment `local` sees it. */
export function starrocksCatalog(models: readonly Model[]): Catalog {
  const context = { warehouse: "ciapol", models: new Map(models.map((model) => [model.name, model])) };
  return catalogFor(catalogOf("ciapol", resolve(models, context).objects), "local");
}
