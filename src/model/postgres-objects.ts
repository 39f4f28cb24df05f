import type { SecretReference } from "../core/config.js";
import type { EngineOptions, ObjectModel } from "../core/model.js";

/*
 * What authors declare of PostgreSQL and TimescaleDB beside tables: enum types, and roles with what they may do. Secrets are
 * references (`env("REPORTS_PASSWORD")`): their values are in no model, plan or log.
 */

interface Described {
  readonly owner?: string;
  readonly comment?: string;
  readonly tags?: readonly string[];
}

type PostgresSlot = "postgres" | "timescale";
type Named = { readonly name: string };

export interface EnumDefinition<Values extends readonly string[]> extends Described {
  /** In their order, by which they are compared. */
  readonly values: Values;
  readonly on: { readonly [Slot in PostgresSlot]?: { readonly schema?: string; readonly name?: string } };
}

export type EnumModel<Values extends readonly string[]> = ObjectModel & { readonly values: Values };

/** A type of its own: `CREATE TYPE … AS ENUM`. A column takes it by `t.enum(orderState)`; other engines see its values. */
export function defineEnum<const Values extends readonly string[]>(name: string, definition: EnumDefinition<Values>): EnumModel<Values> {
  const { values, on, ...described } = definition;
  const slots = Object.entries(on).map(([slot, options]) => [slot, { object: "enum", values: [...values], ...options }]);
  return { model: "object", name, ...described, values, on: Object.fromEntries(slots) as EngineOptions }; // plain data, checked by resolve
}

/** Rights on one thing. `columns` narrows SELECT, INSERT, UPDATE and REFERENCES; `grantable` lets the role pass them on. */
export interface PostgresGrant {
  readonly privileges: readonly string[];
  readonly on: Named | { readonly schema: string } | { readonly allTablesIn: string };
  readonly columns?: readonly string[];
  readonly grantable?: true;
}

export interface PostgresRoleDefinition extends Described {
  /** `postgres` when absent. */
  readonly on?: readonly PostgresSlot[];
  /** With it, the role is a user. */
  readonly login?: boolean;
  readonly password?: SecretReference;
  readonly inherit?: boolean;
  readonly createDatabase?: boolean;
  readonly createRole?: boolean;
  readonly replication?: boolean;
  readonly bypassRowSecurity?: boolean;
  readonly superuser?: boolean;
  readonly connectionLimit?: number;
  /** An instant in ISO 8601, until which the password holds. */
  readonly validUntil?: string;
  /** Roles whose rights it has. */
  readonly memberOf?: readonly Named[];
  readonly grants?: readonly PostgresGrant[];
}

/** A role of a PostgreSQL server, with its rights in this database. What others granted it is reported, and stays. */
export function definePostgresRole(name: string, definition: PostgresRoleDefinition): ObjectModel {
  const { on = ["postgres"], owner, comment, tags, memberOf = [], grants = [], ...attributes } = definition;
  const said = Object.fromEntries(Object.entries({ owner, comment, tags }).filter(([, value]) => value !== undefined));
  const options = { object: "role", ...attributes, memberOf: memberOf.map((role) => role.name), grants: grants.map(plainGrant) };
  return { model: "object", name, ...said, on: Object.fromEntries(on.map((slot) => [slot, options])) as EngineOptions }; // as above
}

function plainGrant({ on, ...grant }: PostgresGrant): object {
  return { ...grant, on: "name" in on ? { model: on.name } : on };
}
