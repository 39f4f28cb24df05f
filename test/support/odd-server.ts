import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A file server that misbehaves as a test says: one answer a request, the last one for all that follow. */
export type OddAnswer = (question: IncomingMessage, answer: ServerResponse) => void;

export interface OddServer {
  readonly host: string;
  /** Method and path with query of every request. */
  readonly asked: string[];
  readonly stop: () => Promise<void>;
}

export async function oddServer(...answers: readonly OddAnswer[]): Promise<OddServer> {
  const asked: string[] = [];
  const server = createServer((question, answer) => {
    const how = answers[Math.min(asked.length, answers.length - 1)];
    asked.push(`${question.method} ${question.url}`);
    how?.(question, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // of a server that listens on a port
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { host: `127.0.0.1:${port}`, asked, stop };
}

export const says =
  (status: number, body: string | Buffer = "", headers: Readonly<Record<string, string>> = {}): OddAnswer =>
  (_question, answer) => {
    answer.writeHead(status, { "Content-Length": String(Buffer.byteLength(body)), ...headers });
    answer.end(body);
  };

/** Promises more bytes than it sends, and closes the connection. */
export const breaksOff =
  (status: number, body: string, promised: number, headers: Readonly<Record<string, string>> = {}): OddAnswer =>
  (_question, answer) => {
    answer.writeHead(status, { "Content-Length": String(promised), ...headers });
    answer.write(body, () => answer.socket?.destroy());
  };

export const keepsSilent: OddAnswer = () => undefined;

export const hangsUp: OddAnswer = (question) => void question.socket.destroy();
