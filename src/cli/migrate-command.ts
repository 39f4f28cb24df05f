import type { Command } from "@oclif/core";
import type { LiveRequest, MigrateRequest } from "../app/migrate/run.js";
import { DwCommand } from "./base-command.js";

/** What the migrate commands ask of a use case. */
export abstract class MigrateCommand<T extends typeof Command> extends DwCommand<T> {
  protected async offlineRequest(): Promise<MigrateRequest> {
    return { project: await this.project(), warehouse: this.flags.warehouse, now: Date.now() };
  }

  protected async liveRequest(): Promise<LiveRequest> {
    const environment = await this.environment();
    return { ...(await this.offlineRequest()), environment, signal: this.signal, say: this.conversation.say };
  }
}
