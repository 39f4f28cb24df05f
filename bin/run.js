#!/usr/bin/env node
import { printFrontPage, wantsFrontPage } from "../dist/cli/front-page.js";

const argv = process.argv.slice(2);
if (wantsFrontPage(argv)) printFrontPage();
else await (await import("../dist/cli/main.js")).main(argv);
