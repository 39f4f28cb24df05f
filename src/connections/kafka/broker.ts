import type { Socket } from "node:net";
import { DwError } from "../../core/errors.js";
import { FRAME_MAX, framed, openSocket, type SocketPlace } from "../tcp.js";
import { type Api, apis } from "./apis.js";
import { ByteReader, ByteWriter } from "./bytes.js";
import { refusalOf } from "./errors.js";
import { skipTags } from "./schema.js";
import { scram } from "./scram.js";

/* One connection to one broker: frames of the protocol, in order, and the login at its start. */

export interface Login {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  readonly password: string;
}

/** `connectTimeoutMs` covers the connection and the login. */
export interface BrokerAccess extends Pick<SocketPlace, "ssl" | "connectTimeoutMs"> {
  readonly login?: Login;
  /** Milliseconds until a request must have answered. */
  readonly requestTimeoutMs: number;
}

export interface Broker {
  /** Features of the cluster, from its first answer. */
  readonly features: ReadonlyMap<string, number>;
  /** Throws DW-CONNECT or DW-TIMEOUT when no answer came: the request may have been executed or not. */
  readonly send: <Request, Response>(api: Api<Request, Response>, request: Request, waitMs?: number) => Promise<Response>;
  readonly isOpen: () => boolean;
  readonly close: () => void;
}

export type Place = Pick<SocketPlace, "host" | "port">;

/** Throws DW-CONNECT, DW-TIMEOUT, DW-AUTH. */
export async function openBroker(place: Place, access: BrokerAccess): Promise<Broker> {
  const socket = await openSocket(
    { ...place, ssl: access.ssl, connectTimeoutMs: access.connectTimeoutMs },
    { silent: () => silent(place, access.connectTimeoutMs), lost: (cause) => lost(place, cause) },
  );
  const wire = talk(place, socket, access.requestTimeoutMs);
  try {
    const versions = await wire.send(apis.apiVersions, { client: "dwright", clientVersion: "1" }, access.connectTimeoutMs);
    if (access.login) await authenticate(place, wire.send, access.login);
    return { ...wire, features: versions.features };
  } catch (error) {
    wire.close();
    throw error;
  }
}

interface Waiting {
  readonly answer: (frame: Buffer) => void;
  readonly fail: (error: DwError) => void;
}

function talk(place: Place, socket: Socket, requestTimeoutMs: number): Omit<Broker, "features"> {
  const waiting = new Map<number, Waiting>();
  let [next, open] = [1, true];
  const end = (error: DwError): void => {
    open = false;
    socket.destroy();
    for (const [correlation, { fail }] of [...waiting]) {
      waiting.delete(correlation);
      fail(error);
    }
  };
  socket.on("error", (error) => end(lost(place, error)));
  socket.on("close", () => end(lost(place, undefined)));
  readFrames(
    socket,
    (frame) => {
      const correlation = frame.readInt32BE(0);
      const one = waiting.get(correlation);
      waiting.delete(correlation);
      one?.answer(frame);
    },
    () => end(foreign(place)),
  );
  return {
    isOpen: () => open,
    close: () => end(lost(place, undefined)),
    send: (api, request, waitMs = requestTimeoutMs) =>
      new Promise((resolve, reject) => {
        if (!open) return reject(lost(place, undefined));
        const correlation = next++;
        const timer = setTimeout(() => end(silent(place, waitMs)), waitMs); // a late answer would meet nobody: the connection goes
        waiting.set(correlation, {
          fail: (error) => {
            clearTimeout(timer);
            reject(error);
          },
          answer: (frame) => {
            clearTimeout(timer);
            try {
              resolve(decoded(api, frame));
            } catch (error) {
              if (!(error instanceof RangeError)) return reject(error);
              end(foreign(place));
              reject(foreign(place));
            }
          },
        });
        socket.write(encoded(api, correlation, request));
      }),
  };
}

function encoded<Request>(api: Api<Request, unknown>, correlation: number, request: Request): Buffer {
  const body = new ByteWriter();
  body.int16(api.key);
  body.int16(api.version);
  body.int32(correlation);
  const client = Buffer.from("dwright");
  body.int16(client.length);
  body.raw(client);
  if (api.flexible) body.varint(0);
  api.request.write(body, request, api.flexible);
  return framed(body.done());
}

function decoded<Response>(api: Pick<Api<unknown, Response>, "key" | "flexible" | "response">, frame: Buffer): Response {
  const reader = new ByteReader(frame.subarray(4));
  if (api.flexible && api.key !== apis.apiVersions.key) skipTags(reader); // whose answer old clients must understand too
  return api.response.read(reader, api.flexible);
}

function readFrames(socket: Socket, take: (frame: Buffer) => void, refuse: () => void): void {
  let pieces: Buffer[] = [];
  let held = 0;
  socket.on("data", (piece: Buffer) => {
    pieces.push(piece);
    held += piece.length;
    for (let size = frameSize(pieces, held); size !== undefined && held >= size + 4; size = frameSize(pieces, held)) {
      if (size < 4 || size > FRAME_MAX) return refuse();
      const all = Buffer.concat(pieces);
      take(all.subarray(4, size + 4));
      pieces = [all.subarray(size + 4)];
      held -= size + 4;
    }
    return undefined;
  });
}

/** Of the frame at the start; undefined before its first four bytes are there. */
function frameSize(pieces: readonly Buffer[], held: number): number | undefined {
  if (held < 4) return undefined;
  const [first] = pieces;
  return (first !== undefined && first.length >= 4 ? first : Buffer.concat(pieces)).readInt32BE(0);
}

const MECHANISMS = { plain: "PLAIN", "scram-sha-256": "SCRAM-SHA-256", "scram-sha-512": "SCRAM-SHA-512" } as const;

async function authenticate(place: Place, send: Broker["send"], login: Login): Promise<void> {
  const mechanism = MECHANISMS[login.mechanism];
  const { error, mechanisms } = await send(apis.saslHandshake, { mechanism });
  if (error !== 0) throw unauthenticated(place, login, `It offers ${mechanisms.join(", ") || "no SASL mechanism"}, not ${mechanism}.`);
  const say = async (bytes: Buffer): Promise<Buffer> => {
    const answer = await send(apis.saslAuthenticate, { bytes });
    if (answer.error !== 0) throw unauthenticated(place, login, answer.message ?? refusalOf(answer.error).name);
    return answer.bytes ?? Buffer.alloc(0);
  };
  if (login.mechanism === "plain") {
    await say(Buffer.from(`\0${login.username}\0${login.password}`));
    return;
  }
  const exchange = scram(login.mechanism === "scram-sha-256" ? "sha256" : "sha512", login.username, login.password);
  const challenge = await say(exchange.first);
  const proof = await say(exchange.final(challenge));
  if (!exchange.proves(proof)) throw unauthenticated(place, login, "The server could not prove that it knows the password.");
}

function unauthenticated({ host, port }: Place, { username }: Login, why: string): DwError {
  return new DwError("DW-AUTH", {
    what: `${host}:${port} refused the user ${username}.`,
    why,
    fix: "Check `sasl` of the connection in dw.config.ts: mechanism, username and password.",
  });
}

function foreign({ host, port }: Place): DwError {
  return new DwError("DW-CONNECT", {
    what: `${host}:${port} does not answer as a Kafka broker.`,
    why: "Its answer is none of the protocol. A port with TLS, met without, looks like this.",
    fix: "Check host, port and `ssl` of the connection in dw.config.ts; brokers older than 2.4 are not supported.",
  });
}

function silent({ host, port }: Place, waitMs: number): DwError {
  return new DwError("DW-TIMEOUT", {
    what: `The Kafka broker at ${host}:${port} does not answer.`,
    why: `Nothing came within ${waitMs / 1000} s.`,
    fix: "Check that the broker runs, and that the address which it advertises can be reached from here; then run the command again.",
  });
}

function lost({ host, port }: Place, cause: unknown): DwError {
  const { message = "" } = (cause ?? {}) as { readonly message?: string }; // of sockets
  return new DwError("DW-CONNECT", {
    what: `The Kafka broker at ${host}:${port} is not reached.`,
    why: message === "" ? "The connection was closed. A port that wants TLS or a login closes it like this." : message,
    fix: "Check that the broker runs and that this machine reaches it, and `ssl` and `sasl` of the connection; then run the command again.",
    ...(cause !== undefined && { cause }),
  });
}
