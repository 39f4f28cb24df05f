import type { CheckKind } from "../core/check.js";
import type { LagSpec } from "../core/check-spec.js";
import { violation } from "./threshold.js";

export const lag: CheckKind<LagSpec> = {
  kind: "lag",
  title: (spec) => `${spec.group} is at most ${spec.max} messages behind`,
  metrics: (spec) => ({ lag: { scan: "topic", ask: { ask: "lag", group: spec.group } } }),
  judge: (spec, values) => {
    const behind = values.lag ?? null;
    if (behind === null) {
      return { outcome: "not-evaluated", value: null, message: `the group ${spec.group} has never committed an offset of this topic` };
    }
    const inside = BigInt(behind) <= BigInt(spec.max);
    return { outcome: inside ? "pass" : violation(spec), value: behind, message: `${behind} messages behind; ${spec.max} allowed` };
  },
};
