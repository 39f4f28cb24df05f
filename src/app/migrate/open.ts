import { join } from "node:path";
import { parseDuration } from "../../core/duration.js";
import type { ResolvedEnvironment } from "../../core/environment.js";
import type { History } from "../../core/migration.js";
import type { EngineName } from "../../core/types.js";
import { engines } from "../../engines/index.js";
import type { Project } from "../project.js";
import { lockOwner, openState } from "../state.js";
import { readHistory } from "./folder.js";
import { readIntent } from "./intent.js";
import { openLiveSlots } from "./live-slots.js";
import { plannersOf } from "./make.js";
import type { Meeting } from "./meeting.js";

export function migrationFolder(project: Project, warehouse: string): string {
  return join(project.root, "migrations", warehouse);
}

export interface MeetingOptions {
  readonly warehouse: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * A warehouse's migrations with an open environment; the project closes its connections. The history is read and proved
 * before anything is opened.
 */
export async function openMeeting(project: Project, environment: ResolvedEnvironment, options: MeetingOptions): Promise<Meeting> {
  const { warehouse, ...rest } = options;
  const folder = migrationFolder(project, warehouse);
  const history = await readHistory(folder, warehouse);
  const intent = await readIntent(folder);
  const connections = project.connect(environment);
  const store = await openState(connections);
  const slots = await openLiveSlots(connections, slotsOf(history), engines);
  return {
    environment: environment.name,
    history,
    intent,
    slots,
    planners: plannersOf(engines),
    store,
    owner: lockOwner(project),
    ...(environment.hold !== undefined && { hold: parseDuration(environment.hold) }),
    ...rest,
  };
}

function slotsOf(history: History): Set<EngineName> {
  const states = history.migrations.flatMap((migration) => migration.state.objects);
  return new Set(states.map((object) => object.slot));
}
