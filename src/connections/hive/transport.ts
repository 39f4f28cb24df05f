import type { Socket } from "node:net";
import { DwError, isDwError } from "../../core/errors.js";
import { FRAME_MAX, framed, openSocket, type SocketPlace } from "../tcp.js";
import { type Answer, decodeAnswer, encodeCall, type Field, Incomplete, type Struct } from "./thrift.js";

/* A connection to HiveServer2 in its binary mode: bare Thrift, or Thrift in the frames of SASL after a login with PLAIN. */

/** `connectTimeoutMs` covers connection and login. */
export interface HivePlace extends SocketPlace {
  readonly user: string;
  readonly password: string;
  /** False for servers with `hive.server2.authentication` NOSASL. */
  readonly sasl: boolean;
}

export interface Transport {
  /** The fields of the answer's struct. One call at a time. Throws DW-CONNECT. */
  readonly call: (name: string, request: readonly Field[]) => Promise<Struct>;
  readonly close: () => void;
}

/** Throws DW-CONNECT, DW-TIMEOUT, DW-AUTH. */
export async function openTransport(place: HivePlace): Promise<Transport> {
  const socket = await openSocket(place, { silent: () => silent(place), lost: (cause) => lost(place, cause) });
  const inbox = inboxOf(place, socket);
  try {
    if (place.sasl) await login(place, socket, inbox);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  let sequence = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const exchange = async (name: string, request: readonly Field[]): Promise<Struct> => {
    const message = encodeCall(name, ++sequence, request);
    socket.write(place.sasl ? framed(message) : message);
    const answer = place.sasl ? decodeAnswer(await inbox.frame()) : await inbox.message();
    if (answer.ok && answer.sequence === sequence) return structAt(answer.fields, 0);
    throw foreign(place, String(answer.fields.get(1) ?? "It answers another question."));
  };
  return {
    call: (name, request) => {
      const mine = turn.then(() => exchange(name, request));
      turn = mine.catch(() => undefined);
      return mine;
    },
    close: () => socket.destroy(),
  };
}

export function structAt(fields: Struct, id: number): Struct {
  const value = fields.get(id);
  return value instanceof Map ? value : new Map();
}

interface Inbox {
  /** So many bytes. */
  readonly take: (size: number) => Promise<Buffer>;
  /** Four bytes of length and what follows. */
  readonly frame: () => Promise<Buffer>;
  /** A bare message, whose end only its own fields tell. */
  readonly message: () => Promise<Answer>;
}

function inboxOf(place: HivePlace, socket: Socket): Inbox {
  let pieces: Buffer[] = [];
  let held = 0;
  let failure: DwError | undefined;
  let wake = (): void => {};
  socket.on("data", (piece: Buffer) => {
    pieces.push(piece);
    held += piece.length;
    wake();
  });
  const end = (error?: unknown): void => {
    failure ??= lost(place, error);
    wake();
  };
  socket.on("error", end);
  socket.on("close", () => end());
  const hold = async (size: number): Promise<Buffer> => {
    while (held < size) {
      if (failure) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const all = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
    pieces = [all];
    return all;
  };
  const drop = (size: number): void => {
    const rest = Buffer.concat(pieces).subarray(size);
    pieces = rest.length === 0 ? [] : [rest];
    held = rest.length;
  };
  const take = async (size: number): Promise<Buffer> => {
    const bytes = (await hold(size)).subarray(0, size);
    drop(size);
    return bytes;
  };
  return {
    take,
    frame: async () => {
      const size = (await take(4)).readInt32BE(0);
      if (size < 0 || size > FRAME_MAX) throw foreign(place, `It announces ${size} bytes.`);
      return take(size);
    },
    message: async () => {
      for (let needed = 1; ; ) {
        try {
          const answer = decodeAnswer(await hold(needed));
          drop(answer.size);
          return answer;
        } catch (error) {
          if (error instanceof Incomplete) needed = Math.max(error.needed, held + 1);
          else throw error instanceof RangeError ? foreign(place, `${error.message}.`) : error;
        }
      }
    },
  };
}

const START = 1;
const OK = 2;
const COMPLETE = 5;

/** The negotiation of Thrift's SASL transport: a status byte, a length, a text. */
async function login(place: HivePlace, socket: Socket, inbox: Inbox): Promise<void> {
  const say = (status: number, text: string): void => {
    socket.write(Buffer.concat([Buffer.from([status]), framed(Buffer.from(text, "utf8"))]));
  };
  const timer = setTimeout(() => socket.destroy(silent(place)), place.connectTimeoutMs);
  try {
    say(START, "PLAIN");
    say(OK, `\0${place.user}\0${place.password}`);
    const status = (await inbox.take(1)).readInt8(0);
    const text = (await inbox.frame()).toString("utf8");
    if (status !== COMPLETE && status !== OK) throw unauthenticated(place, text);
  } finally {
    clearTimeout(timer);
  }
}

function unauthenticated({ host, port, user }: HivePlace, why: string): DwError {
  return new DwError("DW-AUTH", {
    what: `HiveServer2 at ${host}:${port} refused the user ${user}.`,
    why: why === "" ? "It gives no reason." : why,
    fix: "Check `user` and `password` of the connection in dw.config.ts; Kerberos is not supported.",
  });
}

function foreign({ host, port }: HivePlace, why: string): DwError {
  return new DwError("DW-CONNECT", {
    what: `${host}:${port} does not answer as HiveServer2 in its binary mode.`,
    why,
    fix: "Check host and port, `ssl`, and `sasl` (false for servers with the authentication NOSASL); the HTTP mode is not supported.",
  });
}

function silent({ host, port, connectTimeoutMs }: HivePlace): DwError {
  return new DwError("DW-TIMEOUT", {
    what: `HiveServer2 at ${host}:${port} does not answer.`,
    why: `Nothing came within ${connectTimeoutMs / 1000} s. A server that expects no SASL waits like this for one that offers it.`,
    fix: "Check that the server runs, and `sasl` and `ssl` of the connection; then run the command again.",
  });
}

function lost({ host, port }: HivePlace, cause: unknown): DwError {
  if (isDwError(cause)) return cause;
  const { message = "" } = (cause ?? {}) as { readonly message?: string }; // of sockets
  return new DwError("DW-CONNECT", {
    what: `HiveServer2 at ${host}:${port} is not reached.`,
    why: message === "" ? "The connection was closed. A server that expects another login, or TLS, closes it like this." : message,
    fix: "Check that the server runs and that this machine reaches it; then run the command again.",
    ...(cause !== undefined && { cause }),
  });
}
