import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { FakeStarrocks } from "./fake.js";
import { Refusal } from "./refusal.js";
import type { FakeUser } from "./server.js";

/*
 * Stream Load as the manual describes it: a front end that redirects (307) to a backend before it reads the body, a backend
 * that takes a label once, answers with Status, Message and ExistingJobStatus, and keeps the rows (rows.ts). It goes wrong on
 * command, for the load whose label fits.
 */

export type LoadTrouble =
  /** Rows are there, and the connection breaks instead of answering. */
  | { readonly does: "lose-load-answer"; readonly at: RegExp }
  /** The connection breaks while the rows are sent; nothing is kept. */
  | { readonly does: "lose-load"; readonly at: RegExp }
  | { readonly does: "publish-timeout"; readonly at: RegExp }
  /** The redirect leads to a backend that is gone. */
  | { readonly does: "dead-node"; readonly at: RegExp }
  /** Somebody's request with this label is on its way; it ends when it was asked for. */
  | { readonly does: "label-running"; readonly at: RegExp }
  | { readonly does: "filter-rows"; readonly at: RegExp };

export async function startStreamLoad(
  fake: FakeStarrocks,
  users: readonly FakeUser[],
): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  const server: Server = createServer();
  server.on("checkContinue", (asked: IncomingMessage, answer: ServerResponse) => void serve(fake, users, asked, answer));
  server.on("request", (asked: IncomingMessage, answer: ServerResponse) => void serve(fake, users, asked, answer));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { port: typeof address === "object" && address ? address.port : 0, stop };
}

async function serve(fake: FakeStarrocks, users: readonly FakeUser[], asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const at = new URL(asked.url ?? "/", "http://fake");
  const [, backend, , database = "", table = "", verb] =
    /^(\/be)?(\/api)\/([^/]+)\/([^/]+)(?:\/(\w+))?$/.exec(decodeURIComponent(at.pathname)) ?? [];
  if (!isKnown(users, asked)) return json(answer, 401, { Status: "FAILED", Message: "Access denied" });
  if (table === "get_load_state") return json(answer, 200, { state: stateOf(fake, database, at.searchParams.get("label") ?? "") });
  if (verb !== "_stream_load") return json(answer, 404, {});
  const label = String(asked.headers.label ?? "");
  if (!backend) {
    const dead = fake.take("dead-node", label) ? "http://127.0.0.1:1" : `http://${asked.headers.host}`;
    answer.writeHead(307, { location: `${dead}/be${asked.url}`, connection: "close" }).end();
    return;
  }
  answer.writeContinue();
  await load(fake, { database, table, label }, asked, answer);
}

function isKnown(users: readonly FakeUser[], { headers }: IncomingMessage): boolean {
  return users.some(({ user, password }) => headers.authorization === `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`);
}

function stateOf(fake: FakeStarrocks, database: string, label: string): string {
  const key = `${database}\0${label}`;
  const state = fake.rows.labels.get(key) ?? "UNKNOWN";
  // Asking is what makes time pass.
  if (state === "COMMITTED") fake.rows.labels.set(key, "VISIBLE");
  if (state === "PREPARE") fake.rows.labels.set(key, "ABORTED");
  return state;
}

interface Load {
  readonly database: string;
  readonly table: string;
  readonly label: string;
}

const EXISTING = { VISIBLE: "FINISHED", COMMITTED: "FINISHED", PREPARE: "RUNNING", ABORTED: "CANCELLED" } as const;

async function load(fake: FakeStarrocks, { database, table, label }: Load, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { labels } = fake.rows;
  const key = `${database}\0${label}`;
  if (fake.take("label-running", label)) labels.set(key, "PREPARE");
  const state = labels.get(key);
  if (state !== undefined && state !== "ABORTED") {
    await text(asked); // a backend reads what comes, and throws it away
    return json(answer, 200, {
      Status: "Label Already Exists",
      ExistingJobStatus: EXISTING[state],
      Message: `Label [${label}] has already been used.`,
    });
  }
  if (fake.take("lose-load", label)) {
    asked.once("data", () => asked.socket.destroy());
    return;
  }
  const body = await text(asked);
  if (fake.take("filter-rows", label)) {
    labels.set(key, "ABORTED");
    return json(answer, 200, { Status: "Fail", Message: "too many filtered rows", NumberFilteredRows: 1 });
  }
  try {
    await fake.load([database, table], asked.headers, body);
  } catch (error) {
    labels.set(key, "ABORTED");
    return json(answer, 200, { Status: "Fail", Message: error instanceof Refusal ? error.message : String(error) });
  }
  labels.set(key, "VISIBLE");
  if (fake.take("lose-load-answer", label)) asked.socket.destroy();
  else if (fake.take("publish-timeout", label)) {
    labels.set(key, "COMMITTED");
    json(answer, 200, { Status: "Publish Timeout", Message: "Publish timeout. The data will be visible after a while" });
  } else json(answer, 200, { Status: "Success", Message: "OK", Label: label });
}

function json(answer: ServerResponse, code: number, body: object): void {
  answer.writeHead(code, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body));
}
