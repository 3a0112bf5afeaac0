import { readFileSync } from "node:fs";
import * as path from "node:path";
import { repoRoot } from "../../../sandbox/paths";
import { generatedPages } from "../../support/configReference";

const pages = generatedPages();

test.each(["docs/configuration.md", "docs/mcp-servers.md"])(
  "%s is what `npm run build && npm run docs` writes",
  (file) => {
    expect(readFileSync(path.join(repoRoot, file), "utf8")).toBe(pages[file]);
  },
);
