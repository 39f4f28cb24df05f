/**
 * A reader of ORC files, from the specification (https://orc.apache.org/specification/ORCv1/). Decodes stripes batch by
 * batch into typed arrays; memory stays at one compressed chunk a stream and one batch, whatever the file's size.
 */
export type { ByteSource } from "./byte-source.js";
export type { TimestampUnit, TimestampUnits } from "./columns.js";
export { type Batch, type OrcFile, openOrc, type ReadRequest } from "./file.js";
export type { ColumnStatistics, OrcType, StripeInformation, TypeKind } from "./metadata.js";
export { rowFilter } from "./row-filter.js";
