import { afterEach, describe, expect, test } from "vitest";
import type { Patience } from "../../../src/connections/http.js";
import { openBucket, type S3Bucket } from "../../../src/connections/s3.js";
import { openS3, s3Place } from "../../../src/storage/s3.js";
import { breaksOff, hangsUp, keepsSilent, type OddAnswer, type OddServer, oddServer, says } from "../../support/odd-server.js";

let server: OddServer | undefined;
afterEach(async () => server?.stop());

const part = { "Content-Range": "bytes 0-9/10" };
const whole = says(206, "0123456789", part);
const error = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;

/** A silence is waited for only where the test is about it: any server is silent to a machine that is busy enough. */
async function bucket(answers: readonly OddAnswer[], patience: Patience = {}): Promise<S3Bucket> {
  server = await oddServer(...answers);
  const access = { endpoint: `http://${server.host}`, region: "r", accessKeyId: "key", secretAccessKey: "secret" };
  return openBucket(access, "b", { waits: [1, 1], ...patience, ...(answers.includes(keepsSilent) && { silence: 500 }) });
}

const get = async (...answers: readonly OddAnswer[]): Promise<string> => String(await (await bucket(answers)).get("k", 0, 10));

describe("what passes is tried again", () => {
  test.each<[string, OddAnswer]>([
    ["500", says(500, error("InternalError"))],
    ["503 without a body", says(503)],
    ["429", says(429)],
    ["a body that breaks off", breaksOff(206, "01234", 10, part)],
    ["a body that is shorter than was asked for", says(206, "01234", part)],
    ["another part than was asked for", says(206, "0123456789", { "Content-Range": "bytes 5-14/20" })],
    ["a connection that is closed without an answer", hangsUp],
  ])("%s", async (_name, fault) => {
    expect(await get(fault, whole)).toBe("0123456789");
    expect(server?.asked).toEqual(["GET /b/k", "GET /b/k"]);
  });
});

test("silence is tried again, as often as the machine is too busy to answer itself", async () => {
  const client = await bucket([keepsSilent, whole], { waits: Array.from({ length: 20 }, () => 1) });
  expect(String(await client.get("k", 0, 10))).toBe("0123456789");
  expect(server?.asked.length).toBeGreaterThan(1);
});

describe("what does not pass is a letter, never a short read", () => {
  test.each<[string, string, OddAnswer]>([
    ["500 for ever", "DW-CONNECT", says(500)],
    ["a body that always breaks off", "DW-CONNECT", breaksOff(206, "01234", 10, part)],
    ["a body that is always shorter", "DW-CONNECT", says(206, "01234", part)],
    ["silence for ever", "DW-TIMEOUT", keepsSilent],
    ["the end of the file before the end of the part", "DW-FILE-CORRUPT", says(206, "01234", { "Content-Range": "bytes 0-4/5" })],
    ["a part behind the end of the file", "DW-FILE-CORRUPT", says(416, error("InvalidRange"))],
    ["403", "DW-PERMISSION", says(403, error("AccessDenied"))],
    ["a wrong signature", "DW-AUTH", says(403, error("SignatureDoesNotMatch"))],
    ["an expired token", "DW-AUTH", says(400, error("ExpiredToken"))],
    ["a bucket that is gone", "DW-TABLE-MISSING", says(404, error("NoSuchBucket"))],
    ["another region", "DW-ENGINE-REFUSED", says(301, error("PermanentRedirect"), { "x-amz-bucket-region": "eu-west-3" })],
  ])("%s: %s", async (_name, code, fault) => {
    await expect(get(fault)).rejects.toMatchObject({ code });
  });

  test("a server that ignores ranges does not fill the memory", async () => {
    const flood: OddAnswer = (_question, answer) => {
      const piece = Buffer.alloc(1024 * 1024);
      const more = (): void => void (answer.destroyed || answer.write(piece, more));
      answer.writeHead(200);
      more();
    };
    await expect(get(flood)).rejects.toMatchObject({ code: "DW-FILE-TOO-LARGE" });
  });

  test("a client that was held up itself takes the answer that has come meanwhile", async () => {
    const holdsUp: OddAnswer = (question, answer) => {
      whole(question, answer);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400); // server and client share the thread
    };
    expect(String(await (await bucket([holdsUp], { silence: 100, waits: [] })).get("k", 0, 10))).toBe("0123456789");
  });

  test("nobody listens", async () => {
    const client = await openBucket({ endpoint: "http://127.0.0.1:9", region: "r", accessKeyId: "a", secretAccessKey: "b" }, "b", {
      waits: [1],
    });
    await expect(client.get("k", 0, 10)).rejects.toMatchObject({ code: "DW-CONNECT" });
  });

  test("an aborted run stops while it waits for an answer, and while it waits to try again", async () => {
    server = await oddServer(keepsSilent);
    const abort = new AbortController();
    const access = { endpoint: `http://${server.host}`, region: "r", accessKeyId: "a", secretAccessKey: "b" };
    const client = await openBucket(access, "b", { signal: abort.signal });
    const reading = client.get("k", 0, 10);
    setTimeout(() => abort.abort(new Error("enough")), 20);
    await expect(reading).rejects.toThrow("enough");
  });
});

describe("addresses", () => {
  test.each([
    ["s3://bucket/a/b/", { bucket: "bucket", prefix: "a/b" }],
    ["s3a://bucket", { bucket: "bucket", prefix: "" }],
    ["s3://archive@bucket/a", { bucket: "bucket", prefix: "a", connection: "archive" }],
  ])("%s", (address, place) => expect(s3Place(address)).toEqual(place));

  test("a secret in an address is refused, and not repeated", () => {
    const refused = (() => {
      try {
        return s3Place("s3://key:hunter2@bucket/a");
      } catch (error) {
        return error;
      }
    })();
    expect(refused).toMatchObject({ code: "DW-USAGE" });
    expect(JSON.stringify(refused)).not.toContain("hunter2");
  });

  test("what answers without being S3 is recognised", async () => {
    server = await oddServer(says(200, "<html>console</html>"));
    const access = { endpoint: `http://${server.host}`, region: "r", accessKeyId: "a", secretAccessKey: "b" };
    await expect(openS3(s3Place("s3://b/x"), access, { waits: [] })).rejects.toMatchObject({ code: "DW-ENGINE-REFUSED" });
  });
});
