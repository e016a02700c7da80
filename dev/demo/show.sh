# Owns what the demo shows: headlines, complaints, tables that end in time.
# To be sourced by run.sh.

bold='' plain=''
if [[ -t 1 ]]; then bold=$'\e[1m' plain=$'\e[0m'; fi
step=start

# What happens now; if it fails, the last headline says where.
headline() {
  step=$*
  printf '\n%s==> %s%s\n' "$bold" "$*" "$plain"
}

note() { printf '    %s\n' "$@"; }

fail() {
  printf 'demo: %s\n' "$@" >&2
  exit 1
}

# The end of a file, for who has to find out what went wrong.
tail_of() { # NAME FILE
  [[ -s $2 ]] || return 0
  printf '\n--- the end of %s\n' "$1" >&2
  tail --lines=20 "$2" >&2
}

# A command as people would type it, and what it answers: the heading and some lines of it.
ask() { # LINES COMMAND...
  local limit=$1 answer lines
  shift
  answer=$("$@")
  lines=$(wc --lines <<<"$answer")
  note "" "$ $*"
  head --lines="$((limit + 1))" <<<"$answer" | sed 's/^/    /'
  if ((lines > limit + 1)); then note "... and $((lines - 1 - limit)) more, $((lines - 1)) together"; fi
}

# Waits until a command succeeds, or fails with what was waited for.
wait_until() { # SECONDS WHAT COMMAND...
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || fail "$what: not in time"
    sleep 0.1
  done
}
