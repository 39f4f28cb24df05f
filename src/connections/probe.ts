import { connect } from "node:net";
import type { Connection } from "../core/config.js";
import { DwError } from "../core/errors.js";
import { brokerAddress } from "./kafka/address.js";

/** Milliseconds that a port gets to answer. */
const patience = 5_000;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where a connection's servers listen; none for databases in the process. */
export function addresses(connection: Connection): readonly Address[] {
  switch (connection.kind) {
    case "postgres":
      return [{ host: connection.host, port: connection.port ?? 5432 }];
    case "starrocks":
      return [
        { host: connection.host, port: connection.port ?? 9030 },
        { host: connection.host, port: connection.httpPort ?? 8030 },
      ];
    case "mysql":
      return [{ host: connection.host, port: connection.port ?? 3306 }];
    case "mongodb":
      return connection.srv ? [] : [{ host: connection.host, port: connection.port ?? 27017 }]; // with srv, DNS says where
    case "hive":
      return [{ host: connection.host, port: connection.port ?? 10000 }];
    case "kafka":
      return connection.brokers.map(brokerAddress);
    case "s3": {
      const { hostname, port, protocol } = new URL(connection.endpoint);
      return [{ host: hostname, port: port === "" ? (protocol === "http:" ? 80 : 443) : Number(port) }];
    }
    case "pglite":
    case "duckdb":
      return [];
  }
}

/** Whether something listens there; says nothing about logins. DW-CONNECT, DW-TIMEOUT. */
export function probe({ host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: patience });
    const end = (error?: DwError): void => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    socket.once("connect", () => end());
    socket.once("timeout", () => end(unreachable(host, port, "DW-TIMEOUT", `It did not answer within ${patience / 1000} s.`)));
    socket.once("error", (error) => end(unreachable(host, port, "DW-CONNECT", `${error.message}.`, error)));
  });
}

function unreachable(host: string, port: number, code: "DW-CONNECT" | "DW-TIMEOUT", why: string, cause?: unknown): DwError {
  return new DwError(code, {
    what: `Nothing answers at ${host}:${port}.`,
    why,
    fix: "Check host, port, firewall, and that the server runs.",
    cause,
  });
}
