# Owns the processes that the demo starts: each has a log, and none outlives the demo.
# To be sourced by run.sh, which has to set `folder`.

started=() # process ids, in the order of their start
declare -A names=()

# Starts a command in the background, with its output in `folder`/NAME.log. `pid` is then its process id.
start() { # NAME COMMAND...
  launch "$@" >>"$folder/$1.log" 2>&1
}

# The same, with its output where ours goes. Ctrl-C does not reach it, so that all can be stopped in order; and should
# this script be killed, it ends all the same.
launch() { # NAME COMMAND...
  local name=$1
  shift
  setsid setpriv --pdeathsig TERM -- "$@" </dev/null &
  pid=$!
  started+=("$pid")
  names[$pid]=$name
}

alive() { kill -0 "$1" 2>/dev/null; }

# Stops one process, by force if it does not heed.
stop() { # PID
  local patience=150 # tenths of a second
  kill "$1" 2>/dev/null || return 0
  while alive "$1" && ((patience-- > 0)); do sleep 0.1; done
  kill -KILL "$1" 2>/dev/null || true
}

# Stops everything, the last that was started first.
stop_all() {
  local place
  for ((place = ${#started[@]} - 1; place >= 0; place--)); do
    stop "${started[place]}"
  done
}

# Waits until something ends that nobody has stopped.
wait_for_an_end() {
  local process running=()
  for process in "${started[@]}"; do
    if alive "$process"; then running+=("$process"); fi
  done
  wait -n "${running[@]}" 2>/dev/null || true
}

# The ends of the logs that may say why the demo failed: of what was started last, of what has ended although nobody
# has stopped it, and of the operator.
show_logs() {
  local process name
  local -A logs=()
  for process in "${started[@]}"; do
    name=${names[$process]}
    if [[ $process == "${started[-1]}" || $name == operator ]] || ! alive "$process"; then logs[$name]=$folder/$name.log; fi
  done
  for name in "${!logs[@]}"; do tail_of "$name.log" "${logs[$name]}"; done
}

# A loopback port that nobody listens on now, below those that the system gives to connections. Somebody may be faster,
# so what is started on it has to be tried again.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}
