# The commands of this repository. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
NODE := node_modules/.bin/node
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help up down status shell lambda janitor preview test unit bench build lint format check-node

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: build ## Bring the whole platform up in the sandbox
	@$(NODE) bin/sandbox/cli.js up

down: build ## Destroy it and leave nothing behind
	@$(NODE) bin/sandbox/cli.js down $(ARGS)

status: build ## Show what is there
	@$(NODE) bin/sandbox/cli.js status

shell: build ## Open a shell with pulumi, kubectl and helm set up for the sandbox
	@$(NODE) bin/sandbox/cli.js shell

janitor: build ## Find what the sandbox's Lambda Cloud has and no state holds: make janitor ARGS="<name> …" removes it
	@$(NODE) bin/sandbox/cli.js shell node bin/stacks/janitor.js $(ARGS)

preview: build ## Show what `make up` would change
	@$(NODE) bin/sandbox/cli.js shell pulumi preview --stack local

lambda: build ## Look at the simulated Lambda Cloud and break things: make lambda ARGS="instances"
	@$(NODE) bin/sandbox/cli.js lambda $(ARGS)

test: build ## Run every check and test; the last line counts them
	@$(NODE) bin/tests/support/runChecks.js

unit: node_modules/.package-lock.json ## Run the fast tests
	@jest --selectProjects unit

bench: build ## Measure, and print ratios
	@$(NODE) bin/tests/bench/main.js

lint: node_modules/.package-lock.json ## Format check, lint and types
	@prettier --check . && eslint . && tsc -p tests/tsconfig.json

format: node_modules/.package-lock.json ## Format everything
	@prettier --write .

build: node_modules/.package-lock.json ## Compile the program to bin/
	@$(NODE) components/compiled.cjs

# npm writes this file last; it is as old as the last complete installation. Not `npm ci`: it wants the packages of
# every platform in the lock file, which a registry that serves one platform's cannot give.
node_modules/.package-lock.json: package.json package-lock.json | check-node
	@echo "  installing npm packages …"
	@npm install --no-save --no-fund --no-audit --loglevel=error
	@touch $@

check-node:
	@command -v node >/dev/null || { echo 'node: is not on PATH; expected Node 20 or newer. Install it (https://nodejs.org).' >&2; exit 1; }
	@node -e 'const v = process.versions.node; if (Number(v.split(".")[0]) < 20) { console.error(`node: is too old (got "$${v}"); expected 20 or newer. Install a newer one (https://nodejs.org).`); process.exit(1) }'
