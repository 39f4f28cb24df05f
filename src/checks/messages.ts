import type { CheckKind } from "../core/check.js";
import type { MessagesSpec } from "../core/check-spec.js";
import { counted } from "./expression.js";
import { judgeViolations } from "./threshold.js";

const LAST = 100;

export const messages: CheckKind<MessagesSpec> = {
  kind: "messages",
  title: (spec) => `the newest ${spec.last ?? LAST} messages of each partition are as the model says`,
  metrics: ({ last = LAST }) => ({
    read: { scan: "topic", ask: { ask: "read", last } },
    wrong: { scan: "topic", ask: { ask: "wrong", last } },
  }),
  judge: (spec, values) => {
    const rows = counted(values, "read");
    if (rows === 0n)
      return { outcome: "not-evaluated", value: { violating: "0", rows: "0" }, message: "the topic has no messages to look at" };
    return judgeViolations(spec, { violating: counted(values, "wrong"), rows, unit: "messages", what: "are not as the model says" });
  },
};
