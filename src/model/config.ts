import type { Config, SecretReference } from "../core/config.js";

/** What dw.config.ts exports by default. */
export function defineConfig(config: Config): Config {
  return config;
}

/** A secret in an environment variable. */
export const env = (name: string): SecretReference => ({ $secret: "env", name });

/** A secret in a file (its content without the final newline), as orchestrators mount it. */
export const file = (path: string): SecretReference => ({ $secret: "file", name: path });

/** A secret in Vault: `vault("kv/data/warehouse#password")`; VAULT_ADDR and VAULT_TOKEN say where and as whom. */
export const vault = (path: string): SecretReference => ({ $secret: "vault", name: path });
