export { type OpenIceberg, openIceberg } from "./table.js";
