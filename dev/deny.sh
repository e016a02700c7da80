#!/usr/bin/env bash
# Checks the dependency tree against deny.toml: licences, sources and bans; with --advisories also for known
# vulnerabilities, whose database is a Git repository that not every build machine can reach.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

deny=$(dev/tools.sh cargo-deny)
"$deny" deny --locked check --allow duplicate bans licenses sources

if [[ ${1:-} == --advisories ]]; then
  "$deny" deny --locked check advisories
else
  echo "advisories: not checked here; they come from a Git repository, see 'dev/deny.sh --advisories'"
fi
