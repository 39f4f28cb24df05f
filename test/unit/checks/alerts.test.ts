import { createServer, type Server } from "node:http";
import { createServer as createTcp, type Server as TcpServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { sendAlerts } from "../../../src/app/check/alerts.js";
import type { CheckReport } from "../../../src/app/check/check.js";
import type { CheckOutcome } from "../../../src/app/check/run.js";
import type { Project } from "../../../src/app/project.js";
import type { Alerts } from "../../../src/core/config.js";
import { DwError } from "../../../src/core/errors.js";
import type { Json } from "../../../src/core/json.js";
import { Redactor } from "../../../src/core/redactor.js";
import type { StateStore } from "../../../src/core/state.js";

/* Channels are real servers on this machine; what they got is what people would read. */

const servers: (Server | TcpServer)[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
});

interface Robot {
  readonly url: string;
  readonly got: { readonly path: string; readonly body: Record<string, Json> }[];
}

async function robot(answer = "{}", status = 200): Promise<Robot> {
  const got: Robot["got"] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => {
      body += piece;
    });
    request.on("end", () => {
      got.push({ path: request.url ?? "", body: JSON.parse(body) });
      response.writeHead(status, { connection: "close" }).end(answer);
    });
  });
  return { url: `http://127.0.0.1:${await listening(server)}/hook`, got };
}

async function listening(server: Server | TcpServer): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** A mail server that says yes to everything and keeps the letters. */
async function mailServer(): Promise<{ readonly port: number; readonly letters: string[] }> {
  const letters: string[] = [];
  const server = createTcp((socket) => {
    let text = "";
    let writing = false;
    socket.write("220 mail\r\n");
    socket.on("data", (piece) => {
      text += piece.toString();
      if (writing && !text.includes("\r\n.\r\n")) return;
      if (writing) letters.push(text.slice(0, text.indexOf("\r\n.\r\n")));
      const begins = !writing && /^DATA/i.test(text);
      socket.write(begins ? "354 go on\r\n" : /^QUIT/i.test(text) ? "221 bye\r\n" : "250 ok\r\n");
      writing = begins;
      text = "";
    });
    socket.on("error", () => undefined);
  });
  return { port: await listening(server), letters };
}

function memory(): StateStore & { readonly values: Map<string, Json> } {
  const values = new Map<string, Json>();
  let held = Promise.resolve();
  const store = {
    values,
    lock: async () => {
      const before = held;
      let release = (): void => undefined;
      held = new Promise((done) => {
        release = done;
      });
      await before;
      return { release: async () => release() };
    },
    get: async (scope: string, key: string) => values.get(`${scope} ${key}`),
    put: async (scope: string, key: string, value: Json) => void values.set(`${scope} ${key}`, value),
  };
  return store as unknown as StateStore & { readonly values: Map<string, Json> }; // alerts use nothing else of a store
}

function projectWith(alerts: Alerts): Project {
  return {
    root: ".",
    variables: { HOOK_KEY: "s3cret" },
    redactor: new Redactor(),
    config: { environments: {}, alerts },
  } as unknown as Project; // nothing else is read
}

const HOUR = 3_600_000;
const noon = Date.UTC(2024, 5, 1, 12);

function report(hours: number, ...outcomes: Partial<CheckOutcome>[]): CheckReport {
  const base: CheckOutcome = {
    outcome: "fail",
    value: null,
    message: "3 of 10 rows are NULL",
    ...{
      warehouse: "shop",
      layer: "dws",
      model: "orders",
      file: null,
      slot: "postgres",
      kind: "not-null",
      check: "every order has a state",
    },
    ...{
      column: "state",
      where: null,
      owner: "shop-team",
      tags: [],
      weight: 1,
      code: null,
      fix: null,
      suppressed: null,
      sample: null,
      sql: [],
    },
  };
  const at = new Date(noon + hours * HOUR).toISOString();
  return {
    environment: "prod",
    run: "r",
    at,
    emulated: [],
    scores: [],
    outcomes: outcomes.map((outcome) => ({ ...base, ...outcome })),
  };
}

const textOf = ({ got }: Robot): Json[] => got.map(({ body }) => body.text ?? null);

test("a failure is told once, again after a day, and its end is told, too", async () => {
  const chat = await robot();
  const project = projectWith({ channels: { chat: { kind: "slack", url: chat.url } }, routes: [{ to: ["chat"] }] });
  const state = memory();
  await sendAlerts(project, state, report(0, {}));
  await sendAlerts(project, state, report(1, {})); // a retry says nothing new
  await sendAlerts(project, state, report(25, {}));
  await sendAlerts(project, state, report(26, { outcome: "pass", message: "none of 10 rows are NULL" }));
  await sendAlerts(project, state, report(27, { outcome: "pass" }));
  expect(textOf(chat)).toEqual([
    "*dw check, prod: 1 check does not pass*\nshop-team:\n- fail: shop.orders, every order has a state: 3 of 10 rows are NULL",
    "*dw check, prod: 1 check does not pass*\nshop-team:\n- still fail: shop.orders, every order has a state: 3 of 10 rows are NULL (since 2024-06-01 12:00 UTC)",
    "*dw check, prod: 1 recovered*\nshop-team:\n- recovered: pass: shop.orders, every order has a state: none of 10 rows are NULL (since 2024-06-01 12:00 UTC)",
  ]);
});

test("each owner's channel hears of its own checks, in one message a run; warnings only where they are asked for", async () => {
  const [shop, rest, early] = [await robot(), await robot(), await robot()];
  const project = projectWith({
    channels: {
      shop: { kind: "webhook", url: shop.url },
      rest: { kind: "webhook", url: rest.url },
      early: { kind: "webhook", url: early.url },
    },
    routes: [{ owner: "shop-*", to: ["shop"] }, { tag: "early", warnings: true, to: ["early"] }, { to: ["rest"] }],
  });
  const others = [
    { check: "b" },
    { check: "c", owner: "lake-team" },
    { check: "d", outcome: "warn" as const },
    { check: "e", outcome: "warn" as const, tags: ["early"] },
  ];
  const suppressed = { check: "f", suppressed: { until: "2024-07-01", reason: "known" } };
  const results = await sendAlerts(project, memory(), report(0, {}, ...others, suppressed));
  expect(results.map(({ channel, lines, sent }) => [channel, lines, sent])).toEqual([
    ["early", 1, true],
    ["rest", 1, true],
    ["shop", 2, true],
  ]);
  expect(shop.got).toHaveLength(1);
  expect(shop.got[0]?.body).toMatchObject({
    environment: "prod",
    checks: [{ is: "new", check: "every order has a state" }, { check: "b" }],
  });
});

test("DingTalk and Feishu get signed messages, and an error inside a 200 is a message that did not arrive", async () => {
  const [ding, feishu, refusing] = [
    await robot('{"errcode":0}'),
    await robot('{"code":0}'),
    await robot('{"errcode":310000,"errmsg":"sign not match"}'),
  ];
  const secret = { $secret: "env", name: "HOOK_KEY" } as const;
  const project = projectWith({
    channels: {
      ding: { kind: "dingtalk", url: ding.url, secret },
      feishu: { kind: "feishu", url: feishu.url, secret },
      refusing: { kind: "dingtalk", url: refusing.url },
    },
    routes: [{ to: ["ding", "feishu", "refusing"] }],
  });
  const results = await sendAlerts(project, memory(), report(0, {}));
  expect(results.map(({ channel, sent, error }) => [channel, sent, error?.why])).toEqual([
    ["ding", true, undefined],
    ["feishu", true, undefined],
    ["refusing", false, "310000: sign not match"],
  ]);
  expect(ding.got[0]?.path).toMatch(/^\/hook\?timestamp=\d{13}&sign=[\w%]+/);
  expect(ding.got[0]?.body).toMatchObject({ msgtype: "markdown", markdown: { title: "dw check, prod: 1 check does not pass" } });
  expect(feishu.got[0]?.body).toMatchObject({
    msg_type: "text",
    timestamp: expect.stringMatching(/^\d{10}$/),
    sign: expect.stringMatching(/=$/),
  });
});

test("a dead channel hides nothing: the others are told, it is named without its address, and the next run tells it", async () => {
  const [well, dead] = [await robot(), await robot("overloaded", 503)];
  const channels = { well: { kind: "webhook", url: well.url }, dead: { kind: "webhook", url: dead.url } } as const;
  const project = projectWith({ channels, routes: [{ to: ["well", "dead"] }] });
  const state = memory();
  const [first] = await sendAlerts(project, state, report(0, {}));
  expect(first).toMatchObject({ channel: "dead", sent: false, error: { code: "DW-ALERT-UNSENT", why: "it answered 503: overloaded" } });
  expect(JSON.stringify(first)).not.toContain(dead.url);
  await sendAlerts(project, state, report(1, {}));
  expect([well.got.length, dead.got.length]).toEqual([1, 2]);
});

test("two runs at once tell a failure once", async () => {
  const chat = await robot();
  const project = projectWith({ channels: { chat: { kind: "slack", url: chat.url } }, routes: [{ to: ["chat"] }] });
  const state = memory();
  await Promise.all([0, 0, 0].map((hours) => sendAlerts(project, state, report(hours, {}))));
  expect(chat.got).toHaveLength(1);
});

test("a run that gets no turn tells all the same", async () => {
  const chat = await robot();
  const project = projectWith({ channels: { chat: { kind: "slack", url: chat.url } }, routes: [{ to: ["chat"] }] });
  const taken = new DwError("DW-LOCKED", { what: "check-alerts is held.", why: "Another run has it.", fix: "Wait." });
  const state: StateStore = { ...memory(), lock: () => Promise.reject(taken) };
  expect(await sendAlerts(project, state, report(0, {}))).toMatchObject([{ channel: "chat", sent: true }]);
});

test("channels that hang, refuse or break are said, each with its reason, and keep nobody from hearing", async () => {
  const [well, broken] = [await robot(), await robot("oops", 500)];
  const silent = createTcp((socket) => void socket.on("error", () => undefined).resume());
  const url = (port: number): string => `http://127.0.0.1:${port}/hook`;
  const gone = createTcp();
  const refusing = await listening(gone);
  await new Promise((done) => gone.close(done));
  servers.pop();
  const channels = {
    well: { kind: "webhook", url: well.url },
    broken: { kind: "slack", url: broken.url },
    hanging: { kind: "feishu", url: url(await listening(silent)) },
    refusing: { kind: "dingtalk", url: url(refusing) },
  } as const;
  const project = projectWith({ channels, routes: [{ to: Object.keys(channels) }] });
  const results = await sendAlerts(project, memory(), report(0, {}));
  expect(results.map(({ channel, sent, error }) => [channel, sent, error?.why ?? ""])).toEqual([
    ["broken", false, "it answered 500: oops"],
    ["hanging", false, expect.stringMatching(/timeout/)],
    ["refusing", false, expect.stringMatching(/ECONNREFUSED/)],
    ["well", true, ""],
  ]);
}, 60_000);

test("mail goes to a mail server", async () => {
  const { port, letters } = await mailServer();
  const mail = { kind: "email", from: "dw@example.org", to: ["night@example.org"], smtp: { host: "127.0.0.1", port } } as const;
  const [sent] = await sendAlerts(projectWith({ channels: { mail }, routes: [{ to: ["mail"] }] }), memory(), report(0, {}));
  expect(sent).toMatchObject({ channel: "mail", sent: true });
  expect(letters[0]).toContain("Subject: dw check, prod: 1 check does not pass");
  expect(letters[0]).toContain("every order has a state: 3 of 10 rows are NULL");
});
