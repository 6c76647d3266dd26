# The two commands are `make demo` and `make test`; everything they need they set up themselves.
CORPUS ?= ../shared/repos

.PHONY: demo demo-reset test check conform fuzz soak sbom corpus bench rig-up rig-down rig-status screenshots fmt help

NODE := node

help:
	@echo "make demo         two real clusters, a Git host and Lockstep with demo content; Ctrl-C stops all of it"
	@echo "make demo-reset   the same from the beginning"
	@echo "make test         every check and every test"
	@echo "make check        formatting and lints only"
	@echo "make conform      the API of a running server against its own description, with good and bad input (EXAMPLES=n for each)"
	@echo "make fuzz         the fuzz targets for longer than in make test (RUNS=n for each, SEED=n)"
	@echo "make soak         random histories of a target against a model (HISTORIES=n, 100,000 unless given; SEED=n)"
	@echo "make sbom         writes the bill of materials of the program (CycloneDX) to target/"
	@echo "make corpus       reads and renders every folder of CORPUS=DIR and compares with the stock programs"
	@echo "make bench        what a commit and a render cost, beside what they may cost; B=B15: a history without end"
	@echo "make screenshots  pictures of every page of the running demo, light and dark, wide and narrow"
	@echo "make rig-up       the clusters and the Git host alone (CLUSTERS=n); rig-down, rig-status"

demo: node
	@$(NODE) end2end/demo/demo.mjs

demo-reset: node
	@$(NODE) end2end/demo/demo.mjs --reset

test: node
	@$(NODE) end2end/tasks/test.mjs

check: node
	@$(NODE) end2end/tasks/test.mjs --only format,lint

conform: node
	@EXAMPLES=$(or $(EXAMPLES),25) $(NODE) end2end/tasks/conform.mjs

fuzz: node
	@LOCKSTEP_FUZZ_RUNS=$(or $(RUNS),200000) LOCKSTEP_FUZZ_SEED=$(or $(SEED),1) cargo test --release --package engine --package server --lib -- fuzz_ --nocapture

soak: node
	@LOCKSTEP_HISTORIES=$(or $(HISTORIES),100000) LOCKSTEP_HISTORIES_SEED=$(or $(SEED),1) cargo test --release --package server --test histories -- --nocapture

bench: node
	@B="$(B)" RUNS="$(RUNS)" ROWS="$(ROWS)" ON="$(ON)" $(NODE) end2end/tasks/bench.mjs

sbom: node
	@$(NODE) end2end/tasks/supply.mjs sbom

corpus: node
	@$(NODE) end2end/tasks/corpus.mjs --from "$(CORPUS)"

screenshots: node
	@$(NODE) end2end/tasks/screenshots.mjs

rig-up: node
	@$(NODE) end2end/rig/rig.mjs up $(if $(CLUSTERS),--clusters $(CLUSTERS))

rig-down: node
	@$(NODE) end2end/rig/rig.mjs down

rig-status: node
	@$(NODE) end2end/rig/rig.mjs status

fmt:
	@cargo fmt --all

node:
	@command -v $(NODE) >/dev/null || { echo "Node 20 or newer is missing; to do: install it (on Debian or Ubuntu: apt-get install nodejs npm), then start again"; exit 1; }
.PHONY: node
