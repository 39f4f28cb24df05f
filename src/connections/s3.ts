import type { IncomingHttpHeaders } from "node:http";
import { DwError } from "../core/errors.js";
import { ask, type HttpAnswer, isBusy, type Patience, persistently, unreachable } from "./http.js";
import { elements, text } from "./xml.js";

/** How to reach an S3-compatible server. Secrets are values here: resolved, and known to the redactor. */
export interface S3Access {
  /** `https://s3.eu-west-3.amazonaws.com`, `http://minio:9000`. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** `endpoint/bucket/key` rather than `bucket.endpoint/key`; true for every endpoint but Amazon's when absent. */
  readonly pathStyle?: boolean;
}

export interface S3Object {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
}

export interface S3Page {
  readonly objects: readonly S3Object[];
  /** Whole prefixes, with the slash at their end. */
  readonly prefixes: readonly string[];
  readonly next?: string;
}

/** One bucket. Errors: DW-CONNECT, DW-TIMEOUT, DW-AUTH, DW-PERMISSION, DW-TABLE-MISSING (no such bucket), DW-ENGINE-REFUSED. */
export interface S3Bucket {
  /** Undefined when there is no object of that key. */
  readonly head: (key: string) => Promise<S3Object | undefined>;
  /** Exactly so many bytes; undefined when there is no such object. DW-FILE-CORRUPT when it ends before. */
  readonly get: (key: string, start: number, length: number) => Promise<Buffer | undefined>;
  /** One page of what lies directly below a prefix. */
  readonly list: (prefix: string, from: string | undefined, atMost?: number) => Promise<S3Page>;
}

/** Letters and listings; 1000 keys of 1024 bytes, percent-encoded, are 3 MB. */
const TEXT_LIMIT = 16 * 1024 * 1024;

export async function openBucket(access: S3Access, bucket: string, patience: Patience = {}): Promise<S3Bucket> {
  const { AwsV4Signer } = await import("aws4fetch");
  const cache = new Map<string, ArrayBuffer>();
  const send = async (asked: Asked): Promise<HttpAnswer> => {
    const { endpoint: _, pathStyle: __, ...credentials } = access;
    const url = address(access, bucket, asked);
    const signer = new AwsV4Signer({
      ...credentials,
      url: url.href,
      method: asked.method,
      service: "s3",
      cache,
      headers: asked.headers ?? {},
    });
    const { headers } = await signer.sign();
    const answer = await ask({ ...patience, method: asked.method, url, headers: Object.fromEntries(headers), limit: asked.limit });
    if (isBusy(answer.status)) throw unreachable(`${url.host} is busy.`, `It answered with HTTP ${answer.status}${saidBy(answer)}.`);
    return answer;
  };
  const refused = (answer: HttpAnswer, key: string): DwError => refusal(answer, access, bucket, key);

  const head = async (key: string): Promise<S3Object | undefined> => {
    const answer = await send({ method: "HEAD", key, limit: TEXT_LIMIT });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw refused(answer, key);
    return { key, size: Number(answer.headers["content-length"]), etag: answer.headers.etag ?? "" };
  };
  const get = async (key: string, start: number, length: number): Promise<Buffer | undefined> => {
    const headers = { range: `bytes=${start}-${start + length - 1}` };
    const answer = await send({ method: "GET", key, headers, limit: Math.max(length, TEXT_LIMIT) });
    if (answer.status === 404 && saidCode(answer) !== "NoSuchBucket") return undefined;
    if (answer.status === 416) throw tooShort(bucket, key, start + length);
    if (answer.status !== 206 && answer.status !== 200) throw refused(answer, key);
    if (isPart(answer, start, length)) return answer.body;
    const size = sizeIn(answer.headers);
    if (size !== undefined && size < start + length) throw tooShort(bucket, key, start + length);
    throw unreachable(
      `The answer for s3://${bucket}/${key} is not the part that was asked for.`,
      `It has ${answer.body.length} bytes instead of ${length}.`,
    );
  };
  const list = async (prefix: string, from: string | undefined, atMost = 1000): Promise<S3Page> => {
    const query = { "list-type": "2", delimiter: "/", "encoding-type": "url", "max-keys": String(atMost), prefix };
    const answer = await send({
      method: "GET",
      key: "",
      query: { ...query, ...(from !== undefined && { "continuation-token": from }) },
      limit: TEXT_LIMIT,
    });
    if (answer.status !== 200) throw refused(answer, prefix);
    return page(answer.body.toString("utf8"), access);
  };
  return {
    head: (key) => persistently(() => head(key), patience),
    get: (key, start, length) => persistently(() => get(key, start, length), patience),
    list: (prefix, from, atMost) => persistently(() => list(prefix, from, atMost), patience),
  };
}

interface Asked {
  readonly method: "GET" | "HEAD";
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly limit: number;
}

function address({ endpoint, pathStyle }: S3Access, bucket: string, { key, query = {} }: Asked): URL {
  const base = new URL(endpoint);
  const inPath = pathStyle ?? !/(^|\.)amazonaws\.com(\.cn)?$/.test(base.hostname);
  const host = inPath ? base.host : `${bucket}.${base.host}`;
  const folder = base.pathname.replace(/\/$/, "") + (inPath ? `/${escaped(bucket)}` : "");
  const search = Object.entries(query).map(([name, value]) => `${name}=${escaped(value)}`);
  return new URL(
    `${base.protocol}//${host}${folder}/${key.split("/").map(escaped).join("/")}${search.length > 0 ? `?${search.join("&")}` : ""}`,
  );
}

/** RFC 3986, as the signature wants it: encodeURIComponent leaves five characters that S3 escapes. */
function escaped(value: string): string {
  return encodeURIComponent(value).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The whole object may come with 200 where all of it was asked for. */
function isPart({ status, headers, body }: HttpAnswer, start: number, length: number): boolean {
  const [, first] = /^bytes (\d+)-/.exec(headers["content-range"] ?? "") ?? [];
  return body.length === length && (status === 200 ? start === 0 : first === undefined || Number(first) === start);
}

function sizeIn(headers: IncomingHttpHeaders): number | undefined {
  const [, size] = /\/(\d+)$/.exec(headers["content-range"] ?? "") ?? [];
  return size === undefined ? undefined : Number(size);
}

function page(xml: string, { endpoint }: S3Access): S3Page {
  if (!xml.includes("<ListBucketResult")) throw notS3(endpoint);
  const plain = (value: string): string => (text(xml, "EncodingType") === "url" ? decodeURIComponent(value.replaceAll("+", " ")) : value);
  const next = text(xml, "IsTruncated") === "true" ? text(xml, "NextContinuationToken") : undefined;
  return {
    objects: elements(xml, "Contents").map((object) => ({
      key: plain(text(object, "Key") ?? ""),
      size: Number(text(object, "Size")),
      etag: text(object, "ETag") ?? "",
    })),
    prefixes: elements(xml, "CommonPrefixes").map((prefix) => plain(text(prefix, "Prefix") ?? "")),
    ...(next !== undefined && { next }),
  };
}

const saidCode = ({ body }: HttpAnswer): string | undefined => text(body.toString("utf8"), "Code");

function saidBy(answer: HttpAnswer): string {
  const code = saidCode(answer);
  return code === undefined ? "" : ` (${code.slice(0, 100)})`;
}

/** Codes about who asks, of "Error responses" in the S3 API reference; any other 403 is about what is asked. */
const identity =
  /^(InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|TokenRefreshRequired|RequestTimeTooSkewed|InvalidSecurity)$/;

function refusal(answer: HttpAnswer, { endpoint, region }: S3Access, bucket: string, key: string): DwError {
  const code = saidCode(answer) ?? "";
  const said = `${endpoint} answered with HTTP ${answer.status}${saidBy(answer)}.`;
  const what = `s3://${bucket}/${key} cannot be read.`;
  if (answer.status === 401 || identity.test(code))
    return new DwError("DW-AUTH", {
      what,
      why: said,
      fix: "Check the access key, its secret, the session token and this machine's clock.",
    });
  if (answer.status === 403)
    return new DwError("DW-PERMISSION", { what, why: said, fix: "Allow s3:ListBucket and s3:GetObject on the bucket to that access key." });
  if (code === "NoSuchBucket")
    return new DwError("DW-TABLE-MISSING", {
      what: `There is no bucket ${bucket}.`,
      why: said,
      fix: "Check the bucket's name and the endpoint.",
    });
  const home = answer.headers["x-amz-bucket-region"];
  if (answer.status === 301 || answer.status === 307 || code === "AuthorizationHeaderMalformed")
    return new DwError("DW-ENGINE-REFUSED", {
      what,
      why: `${said} It was asked for region ${region}.`,
      fix: typeof home === "string" ? `Set the region ${home}.` : "Set the bucket's own region and endpoint.",
    });
  return new DwError("DW-ENGINE-REFUSED", { what, why: said, fix: "Check the endpoint and the bucket's name." });
}

function tooShort(bucket: string, key: string, end: number): DwError {
  return new DwError("DW-FILE-CORRUPT", {
    what: `s3://${bucket}/${key} ends too early.`,
    why: `Bytes up to ${end} were expected.`,
    fix: "Copy the file again from where the table was exported.",
  });
}

function notS3(endpoint: string): DwError {
  return new DwError("DW-ENGINE-REFUSED", {
    what: `${endpoint} does not answer like S3.`,
    why: "A listing was asked for, and the answer is none.",
    fix: "Give the address of the S3 interface; MinIO's console listens on another port.",
  });
}
