import { SyntaxFault, type Token } from "./lexer.js";
import { reservedWords } from "./words.js";

/** Walks the tokens of one statement. Every `expect…` throws SyntaxFault where the engine's parser would stop. */
export class Cursor {
  private at = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  get token(): Token {
    return this.peek(0);
  }

  peek(ahead: number): Token {
    const token = this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)];
    if (!token) throw new Error("a statement has an end token");
    return token;
  }

  get position(): number {
    return this.at;
  }

  /** Goes back to an earlier position: for the few places where the grammar needs more than a look ahead. */
  rewind(position: number): void {
    this.at = position;
  }

  next(): Token {
    const token = this.token;
    if (token.kind !== "end") this.at++;
    return token;
  }

  get done(): boolean {
    return this.token.kind === "end";
  }

  /** True when the next tokens are these words or symbols; takes nothing. */
  sees(...keys: readonly string[]): boolean {
    return keys.every((key, index) => this.peek(index).key === key);
  }

  seesAny(...keys: readonly string[]): boolean {
    return keys.includes(this.token.key);
  }

  /** Takes the words or symbols when all of them come next. */
  takes(...keys: readonly string[]): boolean {
    if (!this.sees(...keys)) return false;
    this.at += keys.length;
    return true;
  }

  /** Takes one of the words or symbols; answers which. */
  takesAny(...keys: readonly string[]): string | undefined {
    const { key } = this.token;
    if (!keys.includes(key)) return undefined;
    this.at++;
    return key;
  }

  expect(...keys: readonly string[]): void {
    for (const key of keys) if (!this.takes(key)) throw this.fault(key);
  }

  expectAny(...keys: readonly string[]): string {
    return this.takesAny(...keys) ?? this.fail(keys.join(" or "));
  }

  /** A name: quoted, or a word that is not reserved. */
  name(): string {
    if (!this.seesName()) throw this.fault("a name");
    return this.next().text;
  }

  seesName(ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "quoted" || (token.kind === "word" && !reservedWords.has(token.key));
  }

  qualifiedName(): string[] {
    const parts = [this.name()];
    while (this.takes(".")) parts.push(this.name());
    return parts;
  }

  nameList(): string[] {
    return this.list(() => this.name());
  }

  string(): string {
    if (this.token.kind !== "string") throw this.fault("a string");
    return this.next().text;
  }

  nameOrString(): string {
    return this.token.kind === "string" ? this.string() : this.name();
  }

  integer(): number {
    if (this.token.kind !== "integer") throw this.fault("a whole number");
    return Number(this.next().text);
  }

  /** `( item, item )`. */
  list<Item>(item: () => Item): Item[] {
    this.expect("(");
    const items = this.commas(item);
    this.expect(")");
    return items;
  }

  /** `item, item`. */
  commas<Item>(item: () => Item): Item[] {
    const items = [item()];
    while (this.takes(",")) items.push(item());
    return items;
  }

  /** `("key" = "value", …)`. */
  properties(): Property[] {
    return this.list(() => {
      const key = this.string();
      this.expect("=");
      return { key, value: this.string() };
    });
  }

  comment(): string | undefined {
    return this.takes("COMMENT") ? this.string() : undefined;
  }

  fault(wanted: string): SyntaxFault {
    const { token } = this;
    if (token.kind === "end") return new SyntaxFault(`The statement ends where ${wanted} is expected.`, token.start);
    const reserved = token.kind === "word" && reservedWords.has(token.key) && wanted === "a name";
    const hint = reserved ? ` ${token.text} is a reserved word: write \`${token.text}\`.` : "";
    return new SyntaxFault(`Unexpected ${JSON.stringify(token.text)}; ${wanted} is expected.${hint}`, token.start);
  }

  private fail(wanted: string): never {
    throw this.fault(wanted);
  }
}

export interface Property {
  readonly key: string;
  readonly value: string;
}
