# The commands of this project; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help demo demo-test test fuzz bench lint deny crds faults chart-test image image-test

help: ## Lists the commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Shows it all on this machine, from an LDAP server to objects in a cluster. ONCE=1 ends after the last step.
	dev/demo/run.sh

demo-test: ## Tests that the demo leaves an existing cluster as it was, but for the definitions.
	dev/demo/existing-test.sh

test: ## Runs every test, against a real control plane, OpenLDAP and Samba.
	dev/servers.sh
	CGO_ENABLED=0 go test -C dev/cluster -trimpath ./internal/...
	CGO_ENABLED=0 go test -C dev/schemas -trimpath ./...
	cargo test --locked

fuzz: ## Gives every parser of strangers' bytes what a fuzzer makes up, for SECONDS=60 each; TARGET=tables runs one.
	SECONDS_EACH=$(or $(SECONDS),60) dev/fuzz.sh $(TARGET)

bench: ## Measures speed, CPU and memory beside floors; QUICK=1 takes 3 minutes and small sizes; ONLY=peer measures one family.
	dev/servers.sh
	QUICK=$(QUICK) ONLY=$(ONLY) cargo bench --locked --bench bench

lint: ## Checks formatting and lints, of tests and examples too.
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

deny: ## Checks licences, sources and bans of all dependencies.
	dev/deny.sh

crds: ## Writes the custom resource definitions, the chart's copy and the API reference anew.
	cargo run --quiet -- crds --dir crds
	dev/chart-crds.sh
	DIRECTORY_SYNC_WRITE_REFERENCE=1 cargo test --test it reference::

faults: ## Writes docs/faults.md anew, from what the tests say of the faults that they prove.
	DIRECTORY_SYNC_WRITE_FAULTS=1 cargo test --test it faults::document::

chart-test: ## Lints the chart and validates what it renders.
	dev/chart-test.sh

image: ## Makes an image tar without a container engine.
	cargo build --release --locked
	dev/image.sh
	dev/image.sh --check

image-test: ## Makes an image of the debug program, and runs it in a folder with the image's files alone.
	dev/image-test.sh
