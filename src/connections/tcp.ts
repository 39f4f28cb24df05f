import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type DwError, isDwError } from "../core/errors.js";

/* What the binary protocols that dw speaks itself (Kafka, HiveServer2) have in common: a socket and frames with a length. */

export interface SocketPlace {
  readonly host: string;
  readonly port: number;
  readonly ssl: boolean | { readonly ca?: string; readonly rejectUnauthorized?: boolean };
  /** Milliseconds until the connection must have succeeded. */
  readonly connectTimeoutMs: number;
}

/** What is said when nobody answers in time, and when the connection fails. */
export interface SocketLetters {
  readonly silent: () => DwError;
  readonly lost: (cause: unknown) => DwError;
}

/** An open connection, encrypted when asked for. Errors after that belong to the call that meets them. */
export function openSocket({ host, port, ssl, connectTimeoutMs }: SocketPlace, letters: SocketLetters): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const tls = ssl === true ? {} : ssl;
    const named = isIP(host) === 0 ? { servername: host } : {};
    const socket = tls === false ? connectTcp({ host, port }) : connectTls({ host, port, ...named, ...tls });
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    const timer = setTimeout(() => end(letters.silent()), connectTimeoutMs);
    const end = (error?: unknown): void => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      socket.on("error", () => {});
      if (error === undefined) resolve(socket);
      else {
        socket.destroy();
        reject(isDwError(error) ? error : letters.lost(error));
      }
    };
    socket.once(tls === false ? "connect" : "secureConnect", () => end());
    socket.once("error", end);
  });
}

/** The largest frame that is believed, in bytes. */
export const FRAME_MAX = 512 * 1024 * 1024;

/** Four bytes of length, and the bytes. */
export function framed(bytes: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}
