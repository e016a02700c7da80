#!/usr/bin/env bash
# Runs each fuzz target for a while, as many at a time as there are cores: `SECONDS_EACH=60 dev/fuzz.sh [TARGET]...`;
# `dev/fuzz.sh --build` only builds them.
# It begins with the kept corpus and adds nothing to it; what is found new is kept between runs in fuzz/corpus-new.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=dev/cache.sh
. dev/cache.sh

seconds=${SECONDS_EACH:-60}
build_only=''
if [[ ${1:-} == --build ]]; then
  build_only=1
  shift
fi
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(cd fuzz/fuzz_targets && printf '%s\n' *.rs | sed 's/\.rs$//')

# No sanitizer: there is no unsafe code of ours to watch over, and so the usual compiler builds it. It counts panics,
# hangs and memory. Dependencies are kept in the cache: built for a fuzzer, they are good for nothing else.
fuzz=$(dev/tools.sh cargo-fuzz)
cargo fetch --locked --manifest-path fuzz/Cargo.toml # `cargo fuzz` knows no --locked
target=$cache/fuzz
"$fuzz" build --sanitizer none --target-dir "$target"
[[ -z $build_only ]] || exit 0
programs=$target/$(rustc -vV | sed -n 's/^host: //p')/release
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# An input may take 10 seconds and a target 1 GiB; hostile inputs are to be refused long before.
run() { # TARGET
  mkdir -p "fuzz/corpus-new/$1" "fuzz/artifacts/$1"
  "$programs/$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="fuzz/artifacts/$1/" "fuzz/corpus-new/$1" "fuzz/corpus/$1" >"$logs/$1" 2>&1
}

# Tells how a target went: how many inputs it took, and how many places in the code they reached.
tell() { # TARGET
  awk -v target="$1" '
    / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") reached = $(i + 1) }
    /stat::number_of_executed_units/ { inputs = $2 }
    END { printf "%-12s %10d inputs %8d places reached\n", target, inputs, reached }' "$logs/$1"
}

failed=0 running=()
declare -A started
finish() { # PID
  local target=${started[$1]}
  if wait "$1"; then
    tell "$target"
  else
    failed=1
    tail -n 60 "$logs/$target" >&2
    echo "fuzz target $target failed: make its input a unit test of the code that it broke, then fix the code" >&2
  fi
}
for target in "${targets[@]}"; do
  if ((${#running[@]} >= $(nproc))); then
    finish "${running[0]}"
    running=("${running[@]:1}")
  fi
  run "$target" &
  running+=("$!")
  started[$!]=$target
done
for pid in "${running[@]}"; do finish "$pid"; done
exit "$failed"
