export { namedTable } from "./named.js";
export { type OpenIceberg, openIceberg } from "./table.js";
