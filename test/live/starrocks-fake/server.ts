import { createHash, randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { FakeStarrocks, type Session } from "./fake.js";
import { Refusal, Unclaimed } from "./refusal.js";
import type { Row } from "./rows.js";
import { startStreamLoad } from "./stream-load.js";

/*
 * The MySQL protocol as a front end speaks it (client/server protocol 4.1, mysql_native_password, text results). Columns are
 * labelled utf8 (33) while their bytes are real UTF-8, as recorded in result-shapes.json.
 */

const MAX_PACKET = 0xffffff;
const CLIENT_CONNECT_WITH_DB = 0x8;
// LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH
const CAPABILITIES = 0x1 | 0x2 | 0x4 | CLIENT_CONNECT_WITH_DB | 0x200 | 0x2000 | 0x8000 | 0x80000;
const UTF8 = 33;
const VARCHAR = 253;

export interface FakeServer {
  readonly port: number;
  /** Stream Load. */
  readonly httpPort: number;
  readonly fake: FakeStarrocks;
  readonly stop: () => Promise<void>;
}

export interface FakeUser {
  readonly user: string;
  readonly password: string;
}

/** A front end that listens on a free port of this machine. */
export async function startFakeStarrocks(users: readonly FakeUser[] = [{ user: "root", password: "" }]): Promise<FakeServer> {
  const fake = new FakeStarrocks();
  const sockets = new Set<Socket>();
  let next = 1;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // a client that is gone is no concern of the server
    socket.on("close", () => sockets.delete(socket));
    serve(socket, fake, users, next++);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const http = await startStreamLoad(fake, users);
  const stop = async (): Promise<void> => {
    await http.stop();
    await new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve(fake.rows.close()));
    });
  };
  return { port, httpPort: http.port, fake, stop };
}

function serve(socket: Socket, fake: FakeStarrocks, users: readonly FakeUser[], id: number): void {
  const session: Session = { id, database: undefined };
  const seed = randomBytes(20).map((byte) => (byte % 94) + 33);
  let received = Buffer.alloc(0);
  let ready = false;
  let turn = Promise.resolve();
  fake.sessions.set(id, { ...session, kill: () => socket.destroy() });
  socket.on("close", () => fake.sessions.delete(id));
  send(socket, 0, [greeting(id, seed)]);
  socket.on("data", (piece) => {
    received = Buffer.concat([received, piece]);
    for (let packet = nextPacket(); packet; packet = nextPacket()) {
      if (ready) turn = turn.then(() => command(socket, fake, session, packet.body));
      else ready = login(socket, fake, session, users, seed, packet);
    }
  });

  function nextPacket(): { readonly sequence: number; readonly body: Buffer } | undefined {
    if (received.length < 4) return undefined;
    const length = received.readUIntLE(0, 3);
    if (received.length < 4 + length) return undefined;
    const body = received.subarray(4, 4 + length);
    const sequence = received[3] ?? 0;
    received = received.subarray(4 + length);
    return { sequence, body };
  }
}

function greeting(id: number, seed: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(id);
  const flags = Buffer.alloc(18);
  flags.writeUInt16LE(CAPABILITIES & 0xffff, 0);
  flags.writeUInt8(UTF8, 2);
  flags.writeUInt16LE(2, 3);
  flags.writeUInt16LE(CAPABILITIES >>> 16, 5);
  flags.writeUInt8(21, 7);
  return Buffer.concat([
    Buffer.from([10]),
    Buffer.from("8.0.33\0"),
    head,
    seed.subarray(0, 8),
    Buffer.from([0]),
    flags,
    seed.subarray(8),
    Buffer.from([0]),
    Buffer.from("mysql_native_password\0"),
  ]);
}

function login(
  socket: Socket,
  fake: FakeStarrocks,
  session: Session,
  users: readonly FakeUser[],
  seed: Uint8Array,
  packet: { readonly sequence: number; readonly body: Buffer },
): boolean {
  const { body } = packet;
  const flags = body.readUInt32LE(0);
  const userEnd = body.indexOf(0, 32);
  const user = body.toString("utf8", 32, userEnd);
  const length = body[userEnd + 1] ?? 0;
  const proof = body.subarray(userEnd + 2, userEnd + 2 + length);
  const rest = body.subarray(userEnd + 2 + length);
  const known = users.find((one) => one.user === user);
  const sequence = packet.sequence + 1;
  if (!known || !proof.equals(scrambled(known.password, seed))) {
    send(socket, sequence, [
      errorPacket(new Refusal(`Access denied for user '${user}' (using password: ${length > 0 ? "YES" : "NO"})`, 1045, "28000")),
    ]);
    socket.end();
    return false;
  }
  const database = flags & CLIENT_CONNECT_WITH_DB ? rest.toString("utf8", 0, rest.indexOf(0)) : "";
  if (database !== "" && !fake.databases.has(database)) {
    send(socket, sequence, [errorPacket(new Refusal(`Unknown database '${database}'`, 5501, "3F000"))]);
    socket.end();
    return false;
  }
  session.database = database === "" ? undefined : database;
  send(socket, sequence, [OK]);
  return true;
}

function scrambled(password: string, seed: Uint8Array): Buffer {
  if (password === "") return Buffer.alloc(0);
  const sha = (...parts: readonly Uint8Array[]): Buffer => createHash("sha1").update(Buffer.concat(parts)).digest();
  const once = sha(Buffer.from(password));
  const mask = sha(seed, sha(once));
  return Buffer.from(once.map((byte, index) => byte ^ (mask[index] ?? 0)));
}

const QUIT = 1;
const INIT_DB = 2;
const QUERY = 3;

async function command(socket: Socket, fake: FakeStarrocks, session: Session, body: Buffer): Promise<void> {
  const text = body.toString("utf8", 1);
  if (body[0] === QUIT) socket.end();
  else if (body[0] === INIT_DB) await answer(socket, fake, session, `USE \`${text}\``);
  else if (body[0] === QUERY) await answer(socket, fake, session, text);
  else send(socket, 1, [OK]);
}

async function answer(socket: Socket, fake: FakeStarrocks, session: Session, sql: string): Promise<void> {
  if (fake.take("lose-statement", sql)) {
    socket.destroy();
    return;
  }
  const packets = await packetsOf(fake, session, sql);
  if (fake.take("lose-connection", sql)) socket.destroy();
  else send(socket, 1, packets);
}

async function packetsOf(fake: FakeStarrocks, session: Session, sql: string): Promise<Buffer[]> {
  try {
    const rows = await fake.run(sql, session);
    return rows === undefined ? [OK] : resultPackets(rows);
  } catch (error) {
    if (error instanceof Refusal) return [errorPacket(error)];
    const what = error instanceof Unclaimed ? `the fake does not know: ${error.message}` : String(error);
    return [errorPacket(new Refusal(`${what} (${sql})`, 1105))];
  }
}

const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
const EOF = Buffer.from([0xfe, 0, 0, 2, 0]);

function errorPacket({ code, sqlState, message }: Refusal): Buffer {
  const number = Buffer.alloc(2);
  number.writeUInt16LE(code);
  return Buffer.concat([Buffer.from([0xff]), number, Buffer.from(`#${sqlState}${message}`)]);
}

function resultPackets(rows: readonly Row[]): Buffer[] {
  const columns = Object.keys(rows[0] ?? { none: null });
  const values = rows.map((row) =>
    Buffer.concat(columns.map((column) => (row[column] == null ? Buffer.from([0xfb]) : lengthCoded(row[column] ?? "")))),
  );
  return [Buffer.from([columns.length]), ...columns.map(columnPacket), EOF, ...values, EOF];
}

function columnPacket(name: string): Buffer {
  const fixed = Buffer.alloc(13);
  fixed.writeUInt8(0x0c, 0);
  fixed.writeUInt16LE(UTF8, 1);
  fixed.writeUInt32LE(60, 3);
  fixed.writeUInt8(VARCHAR, 7);
  return Buffer.concat([...["def", "", "", "", name, name].map(lengthCoded), fixed]);
}

function lengthCoded(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length < 0xfb) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const head = Buffer.alloc(bytes.length < 0x10000 ? 3 : 4);
  head.writeUInt8(bytes.length < 0x10000 ? 0xfc : 0xfd, 0);
  head.writeUIntLE(bytes.length, 1, head.length - 1);
  return Buffer.concat([head, bytes]);
}

function send(socket: Socket, sequence: number, packets: readonly Buffer[]): void {
  const framed = packets.flatMap((body, index) => {
    if (body.length >= MAX_PACKET) throw new Error("the fake sends no packet of 16 MiB");
    const head = Buffer.alloc(4);
    head.writeUIntLE(body.length, 0, 3);
    head.writeUInt8((sequence + index) & 0xff, 3);
    return [head, body];
  });
  socket.write(Buffer.concat(framed));
}
