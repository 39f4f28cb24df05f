import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";

/* The client's side of SCRAM (RFC 5802), as SASL mechanisms SCRAM-SHA-256 and SCRAM-SHA-512 of Kafka. */

export interface ScramExchange {
  readonly first: Buffer;
  /** The proof for the server's first message. Throws when the server does not answer as the RFC says. */
  readonly final: (serverFirst: Buffer) => Buffer;
  /** Whether the server knows the password too. */
  readonly proves: (serverFinal: Buffer) => boolean;
}

export function scram(
  hash: "sha256" | "sha512",
  user: string,
  password: string,
  nonce = randomBytes(18).toString("base64"),
): ScramExchange {
  const name = user.replaceAll("=", "=3D").replaceAll(",", "=2C");
  const bare = `n=${name},r=${nonce}`;
  const mac = (key: Buffer, message: string): Buffer => createHmac(hash, key).update(message).digest();
  let signature: Buffer = Buffer.alloc(0);
  return {
    first: Buffer.from(`n,,${bare}`),
    final: (serverFirst) => {
      const { r = "", s = "", i = "" } = attributes(serverFirst);
      const iterations = Number(i);
      if (!r.startsWith(nonce) || s === "" || !(iterations >= 4096 && iterations <= 10_000_000)) throw new Error("not a SCRAM challenge");
      const size = hash === "sha256" ? 32 : 64;
      const salted = pbkdf2Sync(password, Buffer.from(s, "base64"), iterations, size, hash);
      const clientKey = mac(salted, "Client Key");
      const unproved = `c=biws,r=${r}`;
      const message = `${bare},${serverFirst.toString("utf8")},${unproved}`;
      const proof = xor(clientKey, mac(createHash(hash).update(clientKey).digest(), message));
      signature = mac(mac(salted, "Server Key"), message);
      return Buffer.from(`${unproved},p=${proof.toString("base64")}`);
    },
    proves: (serverFinal) => {
      const said = Buffer.from(attributes(serverFinal).v ?? "", "base64");
      return said.length === signature.length && timingSafeEqual(said, signature);
    },
  };
}

function attributes(message: Buffer): Readonly<Record<string, string>> {
  const parts = message.toString("utf8").split(",");
  return Object.fromEntries(parts.map((part) => [part.slice(0, 1), part.slice(2)]));
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)));
}
