import { defineConfig, globalIgnores } from "eslint/config";
import pulumi from "@pulumi/eslint-plugin";
import tseslint from "typescript-eslint";

/** Forbids imports that point against the arrows of docs/architecture.md. */
const arrows = (files, patterns) => ({
  files,
  rules: { "no-restricted-imports": ["error", { patterns }] },
});
const forbid = (group, message) => ({ group, message });

export default defineConfig(
  globalIgnores(["bin/", "node_modules/", ".sandbox/", "coverage/"]),
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { "@pulumi": pulumi },
    languageOptions: {
      parserOptions: { project: "./tests/tsconfig.json", tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@pulumi/no-output-in-template-literal": "error",
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "no-restricted-exports": ["error", { restrictDefaultExports: { direct: true } }],
    },
  },
  {
    files: ["tests/**/*.ts", "**/*.test.ts"],
    rules: { "max-lines-per-function": "off" },
  },
  arrows(
    ["components/lambda-cloud/**/*.ts"],
    [forbid(["@pulumi/*"], "lambda-cloud knows HTTP and lifecycle, not Pulumi.")],
  ),
  arrows(
    ["components/**/*.ts"],
    [forbid(["**/stacks/**", "**/sandbox/**", "**/policies/**"], "components import components only.")],
  ),
  arrows(
    ["stacks/**/*.ts", "index.ts"],
    [forbid(["**/sandbox/**", "**/policies/**"], "the program knows nothing of the sandbox.")],
  ),
  arrows(
    ["sandbox/**/*.ts"],
    [
      forbid(["**/stacks/**"], "the sandbox shares schemas only."),
      {
        regex: "components/(?!lambda-cloud/schemas$|problems$)",
        message: "the sandbox shares schemas only.",
      },
    ],
  ),
);
