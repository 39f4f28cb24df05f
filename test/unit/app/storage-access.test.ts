import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { storageAccess } from "../../../src/app/storage-access.js";
import type { S3Access } from "../../../src/connections/s3.js";
import { Redactor } from "../../../src/core/redactor.js";

/** What a bucket is read with in a home folder that has these files. */
async function accessOf(files: Readonly<Record<string, string>>, variables: Readonly<Record<string, string>> = {}): Promise<S3Access> {
  const home = await mkdtemp(join(tmpdir(), "dw-aws-"));
  onTestFinished(() => rm(home, { recursive: true }));
  await mkdir(join(home, ".aws"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(home, ".aws", name), text);
  const access = storageAccess({
    connections: async () => undefined,
    variables: { HOME: home, ...variables },
    redactor: new Redactor(),
    signal: () => new AbortController().signal,
  });
  return access.s3({ bucket: "lake", prefix: "" });
}

const credentials =
  "[default]\naws_access_key_id = A1\naws_secret_access_key = s1\n\n[lake]\naws_access_key_id=A2\naws_secret_access_key=s2\n";

test("without variables the default profile of ~/.aws counts, with its region", async () => {
  expect(await accessOf({ credentials, config: "[default]\nregion = eu-west-3\n" })).toEqual({
    endpoint: "https://s3.eu-west-3.amazonaws.com",
    region: "eu-west-3",
    accessKeyId: "A1",
    secretAccessKey: "s1",
  });
});

test("AWS_PROFILE names another, with an endpoint, a style of addresses and a session token", async () => {
  const config = `[profile own]
aws_access_key_id = A3
aws_secret_access_key = s3
aws_session_token = t3
endpoint_url = http://minio:9000
s3 =
  addressing_style = virtual
`;
  expect(await accessOf({ credentials, config }, { AWS_PROFILE: "own" })).toEqual({
    endpoint: "http://minio:9000",
    region: "us-east-1",
    accessKeyId: "A3",
    secretAccessKey: "s3",
    sessionToken: "t3",
    pathStyle: false,
  });
});

test("keys in variables go before those of a profile, whose session token is not theirs", async () => {
  const config = "[default]\naws_access_key_id = A4\naws_secret_access_key = s4\naws_session_token = t4\nregion = cn-north-1\n";
  expect(await accessOf({ config }, { AWS_ACCESS_KEY_ID: "A", AWS_SECRET_ACCESS_KEY: "s" })).toEqual({
    endpoint: "https://s3.cn-north-1.amazonaws.com.cn",
    region: "cn-north-1",
    accessKeyId: "A",
    secretAccessKey: "s",
  });
});

test.each([
  ["that is not there", { AWS_PROFILE: "gone" }, {}],
  ["that gets its keys from elsewhere", {}, { config: "[default]\nsso_session = office\n" }],
  ["without a secret", {}, { credentials: "[default]\naws_access_key_id = A\n" }],
])("a profile %s is refused with a letter that says what to do", async (_, variables, files) => {
  await expect(accessOf(files, variables)).rejects.toMatchObject({ code: "DW-SECRET-MISSING" });
});
