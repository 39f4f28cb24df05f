/**
 * How a use case talks while it works: stderr in the command line, nothing in a test. Answers are returned, never said.
 * Texts are single lines without a final newline; secrets are masked by whoever writes them out.
 */
export interface Conversation {
  /** What a person following along wants to know. Silent with --quiet. */
  readonly say: (line: string) => void;
  /** Something that may surprise later. Not silenced by --quiet. */
  readonly warn: (line: string) => void;
  /** Only with --log-level debug. */
  readonly debug: (line: string) => void;
  /** A line that the next one replaces; shown on a terminal only. */
  readonly progress: (line: string) => void;
}
