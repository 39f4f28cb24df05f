import { createHmac } from "node:crypto";
import type { AlertChannel } from "../core/config.js";
import { DwError } from "../core/errors.js";
import { resolveSecret, type SecretSources } from "./secrets.js";

/*
 * Where alerts and pushed metrics go. Each sends one message and throws when it did not arrive: several of these services
 * answer 200 with an error inside.
 */

export interface Notice {
  readonly title: string;
  /** Plain text, a line a check. */
  readonly text: string;
  /** What webhooks get: the same as JSON. */
  readonly json: unknown;
}

const PATIENCE_MS = 10_000;

/** Throws DW-ALERT-UNSENT, whose text never holds the channel's address: in most of them it is the secret. */
export async function sendNotice(name: string, channel: AlertChannel, notice: Notice, sources: SecretSources): Promise<void> {
  try {
    if (channel.kind === "email") await sendMail(channel, notice, sources);
    else await postNotice(channel, notice, sources);
  } catch (error) {
    if (error instanceof DwError && error.code === "DW-SECRET-MISSING") throw error;
    throw new DwError("DW-ALERT-UNSENT", {
      what: `The alert channel ${name} did not take a message.`,
      why: sources.redactor.redact(reason(error)),
      fix: "Check the channel under `alerts` in dw.config.ts. What it should have said is in the report; the next run tells it again.",
    });
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.message}${cause}`;
}

type Mail = Extract<AlertChannel, { kind: "email" }>;
type Hook = Exclude<AlertChannel, Mail>;

async function sendMail({ from, to, smtp }: Mail, { title, text }: Notice, sources: SecretSources): Promise<void> {
  const { createTransport } = await import("nodemailer");
  const pass = smtp.password && (await resolveSecret(smtp.password, sources));
  const timeouts = { connectionTimeout: PATIENCE_MS, greetingTimeout: PATIENCE_MS, socketTimeout: PATIENCE_MS };
  const { host, port = 587, secure = false, user } = smtp;
  const transport = createTransport({ host, port, secure, ...timeouts, ...(user !== undefined && { auth: { user, pass: pass ?? "" } }) });
  try {
    await transport.sendMail({ from, to: [...to], subject: title.replace(/[\r\n]+/g, " "), text });
  } finally {
    transport.close();
  }
}

async function postNotice(channel: Hook, notice: Notice, sources: SecretSources): Promise<void> {
  const url = await resolveSecret(channel.url, sources);
  const secret = "secret" in channel && channel.secret ? await resolveSecret(channel.secret, sources) : undefined;
  const { to, body } = bodies[channel.kind](url, notice, secret);
  const answer = await postText(to, JSON.stringify(body), "application/json");
  const refusal = refusals[channel.kind](answer);
  if (refusal !== undefined) throw new Error(refusal);
}

interface Posted {
  readonly to: string;
  readonly body: unknown;
}

const bodies: Readonly<Record<Hook["kind"], (url: string, notice: Notice, secret: string | undefined) => Posted>> = {
  webhook: (to, { json }) => ({ to, body: json }),
  slack: (to, { title, text }) => ({ to, body: { text: `*${slackText(title)}*\n${slackText(text)}` } }),
  dingtalk: (url, { title, text }, secret) => {
    // A list needs a blank line before it in DingTalk's Markdown; a signature is of the time and the secret (its manual, "custom robot").
    const markdown = { title, text: `### ${title}\n\n${text.replaceAll("\n", "\n\n")}` };
    return { to: secret === undefined ? url : signed(url, secret), body: { msgtype: "markdown", markdown } };
  },
  feishu: (to, { title, text }, secret) => {
    const stamp = String(Math.floor(Date.now() / 1000));
    // Unlike DingTalk's, the key is time and secret, and nothing is signed with it (its manual, "custom bot").
    const sign =
      secret === undefined ? {} : { timestamp: stamp, sign: createHmac("sha256", `${stamp}\n${secret}`).update("").digest("base64") };
    return { to, body: { ...sign, msg_type: "text", content: { text: `${title}\n${text}` } } };
  },
};

function signed(url: string, secret: string): string {
  const stamp = String(Date.now());
  const to = new URL(url);
  to.searchParams.set("timestamp", stamp);
  to.searchParams.set("sign", createHmac("sha256", secret).update(`${stamp}\n${secret}`).digest("base64"));
  return to.href;
}

/** Slack's own escapes: a check's name must not ping a channel. */
function slackText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const accepted = (): undefined => undefined;

const refusals: Readonly<Record<Hook["kind"], (answer: string) => string | undefined>> = {
  webhook: accepted,
  slack: accepted,
  dingtalk: (answer) => errorIn(answer, "errcode", "errmsg"),
  feishu: (answer) => errorIn(answer, "code", "msg"),
};

function errorIn(answer: string, code: string, message: string): string | undefined {
  let parsed: Record<string, unknown> = {};
  try {
    parsed = JSON.parse(answer) as Record<string, unknown>; // an object, or its members are undefined below
  } catch {
    return `the answer is no JSON: ${answer.slice(0, 100)}`;
  }
  return parsed[code] === undefined || parsed[code] === 0 ? undefined : `${parsed[code]}: ${parsed[message]}`;
}

/** The body of the answer. Throws where the server cannot be reached, is silent for ten seconds or answers with an error. */
export async function postText(url: string, body: string, type: string, method: "POST" | "PUT" = "POST"): Promise<string> {
  const answer = await fetch(url, {
    method,
    headers: { "content-type": type },
    body,
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`it answered ${answer.status}: ${text.slice(0, 200)}`);
  return text;
}
