#!/usr/bin/env bash
# Asks whether the unit tests would notice a mistake in what decides who goes: cargo-mutants changes the guard, the grace
# time and the plan in every small way, and each change must make a test fail. `dev/mutants.sh [MODULE]...`, all of them
# without arguments. It ends with 0 when none was overlooked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

modules=("$@")
(($#)) || modules=(absence grace guard marks planner quarantine recent)

# Changes that cannot be noticed, because they change nothing, with the reason.
equivalent=(
  # Of a number that was shifted by eight bits, the last eight are 0.
  'replace \| with \^ in Marks::of'
)

# `model` and `plan` make a crate of their own, which is built in seconds. Of the rest of the crate they use nothing, but
# for the form of the mirrors, by which nobody goes: it is left out.
crate=$(mktemp -d)
trap 'rm -rf "$crate"' EXIT
mkdir "$crate/src"
cp -r src/model src/plan "$crate/src/"
rm "$crate/src/plan/form.rs"
sed -i '/^pub mod form;$/d' "$crate/src/plan/mod.rs"
cp Cargo.lock "$crate/"
printf '//! What decides who goes, by itself.\npub mod model;\npub mod plan;\n' >"$crate/src/lib.rs"
{
  printf '[package]\nname = "directory-sync"\nversion = "0.1.0"\nedition = "2024"\n[lib]\nname = "directory_sync"\n'
  printf '[workspace]\n[profile.dev]\ndebug = false\n[dependencies]\n'
  grep -E '^(serde|serde_json|schemars|blake3|lz4_flex|thiserror) = ' Cargo.toml
  printf '[dev-dependencies]\n'
  grep -E '^proptest = ' Cargo.toml
} >"$crate/Cargo.toml"

options=(--dir "$crate" --output "$crate" --jobs "$(nproc)" --cap-lints=true --colors=never)
for module in "${modules[@]}"; do options+=(--file "src/plan/$module.rs"); done
for name in "${equivalent[@]}"; do options+=(--exclude-re "$name"); done
"$(dev/tools.sh cargo-mutants)" mutants "${options[@]}"
