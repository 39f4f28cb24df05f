export const templates = ["ciapol", "iot", "streampark", "flow360", "weather", "blank"] as const;
export type Template = (typeof templates)[number];

export interface ProjectFile {
  /** Relative to the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface NewProject {
  readonly name: string;
  /** Of dw, for the dependency. */
  readonly version: string;
  readonly template: Template;
}

/** Every file of a new project except the models of a reference warehouse. */
export function projectFiles(project: NewProject): readonly ProjectFile[] {
  return [
    { path: "package.json", text: packageJson(project) },
    { path: "tsconfig.json", text: tsconfig },
    { path: "dw.config.ts", text: configs[project.template] },
    { path: ".gitignore", text: gitignore },
    { path: ".github/workflows/dw.yml", text: workflow },
    { path: "README.md", text: readme(project) },
    ...(project.template === "blank" ? [{ path: "models/main/dws/dws_order_daily.ts", text: exampleModel }] : []),
  ];
}

function packageJson({ name, version }: NewProject): string {
  const content = {
    name,
    private: true,
    type: "module",
    scripts: {
      generate: "dw generate",
      typecheck: "tsc --noEmit",
    },
    dependencies: { dwright: `^${version}` },
    devDependencies: { typescript: ">=5.8" },
    engines: { node: ">=20.19" },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

const tsconfig = `{
  "compilerOptions": {
    "target": "ES2023",
    "module": "NodeNext",
    "moduleResolution": "NodeNext",
    "strict": true,
    "noEmit": true,
    "types": []
  },
  "include": ["dw.config.ts", "models"]
}
`;

const gitignore = `node_modules/
.dw/
`;

/** What a reviewer wants to see of a pull request: that it holds together, and what it would do. */
const workflow = `name: warehouse
on:
  pull_request:
  push:
    branches: [main]

jobs:
  models:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with:
          node-version: 22
          cache: npm
      - run: npm ci
      - run: npm run typecheck
      - run: npx dw generate --check
      - run: npx dw diff --format markdown >> "$GITHUB_STEP_SUMMARY"

  # What the pull request would change, as one comment that follows its commits. Reads generated/catalog.json of the base
  # branch and runs none of its code.
  diff:
    if: github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name == github.repository
    runs-on: ubuntu-latest
    permissions:
      contents: read
      pull-requests: write
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
      - uses: actions/setup-node@v4
        with:
          node-version: 22
          cache: npm
      - run: npm ci
      - run: npx dw diff --from "git:origin/$BASE" --to models --format markdown > diff.md
        env:
          BASE: \${{ github.base_ref }}
      - run: gh pr comment "$NUMBER" --edit-last --create-if-none --body-file diff.md
        env:
          NUMBER: \${{ github.event.pull_request.number }}
          GH_TOKEN: \${{ github.token }}
`;

const configs: Readonly<Record<Template, string>> = {
  ciapol: `import { defineConfig, env } from "dwright";

export default defineConfig({
  layers: ["ods", "dwd", "dws", "ads"],
  environments: {
    // No server: StarRocks is emulated on DuckDB, below .dw/local.
    local: { embedded: ".dw/local" },
    dev: {
      slots: { starrocks: "starrocks" },
      state: "state",
      connections: {
        starrocks: { kind: "starrocks", host: "starrocks.dev.internal", user: "dw", password: env("SR_PASSWORD") },
        state: { kind: "postgres", host: "postgres.dev.internal", database: "dw", user: "dw", password: env("PG_PASSWORD") },
      },
    },
    prod: {
      slots: { starrocks: "starrocks" },
      state: "state",
      connections: {
        starrocks: { kind: "starrocks", host: "starrocks.internal", user: "dw", password: env("SR_PASSWORD"), ssl: true },
        state: { kind: "postgres", host: "postgres.internal", database: "dw", user: "dw", password: env("PG_PASSWORD"), ssl: true },
      },
    },
  },
});
`,
  iot: `import { defineConfig, env } from "dwright";

export default defineConfig({
  layers: ["ods", "dwd", "dws", "ads"],
  environments: {
    // No server: PostgreSQL with TimescaleDB inside the process, below .dw/local.
    local: { embedded: ".dw/local" },
    dev: {
      slots: { timescale: "timescale", kafka: "kafka" },
      state: "timescale",
      connections: {
        timescale: { kind: "postgres", host: "timescale.dev.internal", database: "iot", user: "dw", password: env("TS_PASSWORD") },
        kafka: { kind: "kafka", brokers: ["kafka.dev.internal:9092"] },
      },
    },
    prod: {
      slots: { timescale: "timescale", kafka: "kafka" },
      state: "timescale",
      connections: {
        timescale: { kind: "postgres", host: "timescale.internal", database: "iot", user: "dw", password: env("TS_PASSWORD"), ssl: true },
        kafka: { kind: "kafka", brokers: ["kafka-1.internal:9092", "kafka-2.internal:9092"], ssl: true },
      },
    },
  },
});
`,
  streampark: `import { defineConfig, env } from "dwright";

export default defineConfig({
  layers: ["ods", "dwd", "dws", "ads"],
  environments: {
    // StarRocks is emulated on DuckDB, below .dw/local. Flink and Paimon are text: their files are in generated/.
    local: { embedded: ".dw/local" },
    dev: {
      slots: { starrocks: "starrocks", kafka: "kafka" },
      state: "postgres",
      connections: {
        starrocks: { kind: "starrocks", host: "starrocks.dev.internal", user: "dw", password: env("SR_PASSWORD") },
        kafka: { kind: "kafka", brokers: ["kafka.dev.internal:9092"] },
        postgres: { kind: "postgres", host: "postgres.dev.internal", database: "dw", user: "dw", password: env("PG_PASSWORD") },
      },
    },
    prod: {
      slots: { starrocks: "starrocks", kafka: "kafka" },
      state: "postgres",
      connections: {
        starrocks: { kind: "starrocks", host: "starrocks.internal", user: "dw", password: env("SR_PASSWORD") },
        kafka: { kind: "kafka", brokers: ["kafka.internal:9092"] },
        postgres: { kind: "postgres", host: "postgres.internal", database: "dw", user: "dw", password: env("PG_PASSWORD"), ssl: true },
      },
    },
  },
});
`,
  flow360: lakehouse("flow360"),
  weather: lakehouse("weather"),
  blank: `import { defineConfig, env } from "dwright";

export default defineConfig({
  layers: ["ods", "dwd", "dws", "ads"],
  environments: {
    // No server: PostgreSQL inside the process, below .dw/local.
    local: { embedded: ".dw/local" },
    dev: {
      slots: { postgres: "warehouse" },
      state: "warehouse",
      connections: {
        warehouse: { kind: "postgres", host: "postgres.dev.internal", database: "warehouse", user: "dw", password: env("PG_PASSWORD") },
      },
    },
    prod: {
      slots: { postgres: "warehouse" },
      state: "warehouse",
      connections: {
        warehouse: { kind: "postgres", host: "postgres.internal", database: "warehouse", user: "dw", password: env("PG_PASSWORD"), ssl: true },
      },
    },
  },
});
`,
};

const exampleModel = `import { defineTable, t } from "dwright";

export default defineTable("dws_order_daily", {
  layer: "dws",
  grain: "one row per shop and day",
  columns: {
    shop_id: t.bigint("natural key from the shop service"),
    day: t.date("in the shop's own time zone"),
    paid: t.decimal(18, 4, "settled orders only"),
  },
  key: ["shop_id", "day"],
  on: { postgres: { schema: "dws" } },
});
`;

const warehouses: Readonly<Record<Template, string>> = {
  ciapol: "ciapol",
  iot: "iot",
  streampark: "streampark",
  flow360: "flow360",
  weather: "weather",
  blank: "main",
};

function readme({ name, template }: NewProject): string {
  const warehouse = warehouses[template];
  return `# ${name}

A data warehouse whose tables are TypeScript: \`models/${warehouse}/<layer>/\`. [dw](https://www.npmjs.com/package/dwright) makes the
DDL, the migrations and the checks from it.

\`\`\`sh
npm install
npx dw generate                                              # DDL that a DBA can review, in generated/; commit it
npx dw migrate new first --warehouse ${warehouse}            # what changed since the last migration, as SQL on disk
npx dw migrate up --warehouse ${warehouse} --env local       # apply it, here without a server
npx dw check --warehouse ${warehouse} --env local            # are the rows what the models promise?
\`\`\`

\`dw.config.ts\` says which environment has which servers; secrets are named there and never written there. In a scheduler pass
\`--env\` or set \`DW_ENV\`: without a terminal dw does not guess.
`;
}

/** PostgreSQL beside a Hive lake and Kafka: flow360 and weather differ in their database only. */
function lakehouse(database: string): string {
  return `import { defineConfig, env } from "dwright";

export default defineConfig({
  layers: ["ods", "dwd", "dws", "ads"],
  environments: {
    // No server: PostgreSQL inside the process, Hive emulated on DuckDB, below .dw/local. Kafka needs its brokers.
    local: { embedded: ".dw/local" },
    dev: {
      slots: { postgres: "postgres", hive: "hive", kafka: "kafka" },
      state: "postgres",
      connections: {
        postgres: { kind: "postgres", host: "postgres.dev.internal", database: "${database}", user: "dw", password: env("PG_PASSWORD") },
        hive: { kind: "hive", host: "hive.dev.internal", user: "dw", password: env("HIVE_PASSWORD") },
        kafka: { kind: "kafka", brokers: ["kafka.dev.internal:9092"] },
      },
    },
    prod: {
      slots: { postgres: "postgres", hive: "hive", kafka: "kafka" },
      state: "postgres",
      connections: {
        postgres: { kind: "postgres", host: "postgres.internal", database: "${database}", user: "dw", password: env("PG_PASSWORD"), ssl: true },
        hive: { kind: "hive", host: "hive.internal", user: "dw", password: env("HIVE_PASSWORD") },
        kafka: { kind: "kafka", brokers: ["kafka.internal:9092"] },
      },
    },
  },
});
`;
}
