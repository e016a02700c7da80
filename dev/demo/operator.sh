# Owns the demo's operator: a process on this machine, under its ServiceAccount's rights.
# To be sourced by run.sh, which has to set `root`, `folder` and `namespace`.

operator=''
metrics_port=''

build_operator() {
  command -v cargo >/dev/null || fail "Rust is missing; to bring it: https://rustup.rs"
  (cd "$root" && cargo build --locked) || fail "the operator could not be built"
}

# Starts the operator on free ports and waits until it is ready. `operator` is then its process id.
start_operator() {
  local attempt health_port binary=${CARGO_TARGET_DIR:-$root/target}/debug/directory-sync
  for ((attempt = 0; attempt < 5; attempt++)); do
    metrics_port=$(free_port) health_port=$(free_port)
    start operator env --unset RUST_LOG KUBECONFIG="$folder/operator.kubeconfig" "$binary" run \
      --allow-address 127.0.0.0/8,::1/128 --watch-namespace "$namespace" --leader-elect=false \
      --log-format text --log-level info \
      --metrics-address "127.0.0.1:$metrics_port" --health-address "127.0.0.1:$health_port"
    operator=$pid
    wait_until 60 "the operator is ready" operator_is_decided "$health_port"
    alive "$operator" && return
  done
  fail "the operator does not start"
}

# Whether the operator is ready, or has ended because a port was taken meanwhile.
operator_is_decided() { # PORT
  local answer=''
  { exec {probe}<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null && {
    printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&"$probe"
    read -r answer <&"$probe" || true
    exec {probe}>&-
  }
  [[ $answer == *" 200 "* ]] || ! alive "$operator"
}
