import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DwError } from "../core/errors.js";

/* Profiles of Amazon's own tools ("Configuration and credential file settings in the AWS CLI"). */

export interface AwsProfile {
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly pathStyle?: boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** The profile that AWS_PROFILE names, `default` otherwise; DW-SECRET-MISSING where it names one that no file has. */
export async function awsProfile(variables: Variables): Promise<AwsProfile> {
  const home = variables.HOME ?? variables.USERPROFILE ?? "";
  const name = variables.AWS_PROFILE || "default";
  const config = settings(await text(variables.AWS_CONFIG_FILE || join(home, ".aws/config")));
  const credentials = settings(await text(variables.AWS_SHARED_CREDENTIALS_FILE || join(home, ".aws/credentials")));
  const sections = [config.get(name === "default" ? name : `profile ${name}`), credentials.get(name)];
  if (sections.every((section) => section === undefined) && variables.AWS_PROFILE) throw noProfile(name);
  // keys of the credentials file go before those of the configuration
  return profileOf(name, new Map(sections.flatMap((section) => [...(section ?? [])])));
}

async function text(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

/** Sections of an INI file. Settings below another (`s3 =` with an indented `addressing_style`) have both names: `s3.addressing_style`. */
function settings(file: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  let above = "";
  for (const line of file.split(/\r?\n/)) {
    const head = /^\[\s*(.*?)\s*\]/.exec(line);
    const [, indent = "", key = "", value = ""] = /^(\s*)([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (head?.[1] !== undefined) {
      section = sections.get(head[1]) ?? new Map();
      sections.set(head[1], section);
    } else if (key !== "") {
      section.set(indent === "" ? key : `${above}.${key}`, value);
      if (indent === "") above = key;
    }
  }
  return sections;
}

/** What else a profile may get its keys from, none of which dw does for it. */
const elsewhere = ["role_arn", "sso_session", "sso_start_url", "credential_process", "credential_source", "web_identity_token_file"];

function profileOf(name: string, found: ReadonlyMap<string, string>): AwsProfile {
  const from = elsewhere.find((key) => found.has(key));
  if (from !== undefined && !found.has("aws_access_key_id")) throw noKeys(name, from);
  const style = found.get("s3.addressing_style");
  const one = (key: string): string | undefined => found.get(key) || undefined;
  const profile = {
    accessKeyId: one("aws_access_key_id"),
    secretAccessKey: one("aws_secret_access_key"),
    sessionToken: one("aws_session_token"),
    region: one("region"),
    endpoint: one("s3.endpoint_url") ?? one("endpoint_url"),
    pathStyle: style === "path" || style === "virtual" ? style === "path" : undefined,
  };
  return Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== undefined));
}

function noProfile(name: string): DwError {
  return new DwError("DW-SECRET-MISSING", {
    what: `There is no AWS profile ${name}.`,
    why: "AWS_PROFILE names it, and neither ~/.aws/credentials nor ~/.aws/config has it.",
    fix: "Name one that is there (`aws configure list-profiles`), or unset AWS_PROFILE.",
  });
}

function noKeys(name: string, setting: string): DwError {
  return new DwError("DW-SECRET-MISSING", {
    what: `The AWS profile ${name} holds no keys.`,
    why: `It gets them by ${setting}, which dw does not do.`,
    fix: `Run \`eval "$(aws configure export-credentials --profile ${name} --format env)"\` first: dw reads the variables that it sets.`,
  });
}
