//! `directory-sync run`: the operator.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, bail};
use ipnet::IpNet;
use kube::Config;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::lease::LeaseArgs;
use crate::cluster::config;
use crate::operator::{self, Options};
use crate::source::Egress;
use crate::source::egress::Cluster;
use crate::telemetry::{self, LogFormat};

/// Arguments of `directory-sync run`. Each can be given by the environment too.
#[derive(Clone, Debug, clap::Args)]
// What a manifest appends to the arguments that it has already takes their place.
#[command(args_override_self = true)]
pub struct RunArgs {
    /// Namespaces whose Directories are synced; none: all namespaces. Can be repeated.
    #[arg(long = "watch-namespace", env = "WATCH_NAMESPACE", value_delimiter = ',')]
    namespaces: Vec<String>,
    /// Address on which /metrics is served. [::] means IPv4 and IPv6, as far as there are both.
    #[arg(long, env = "METRICS_ADDRESS", default_value = "[::]:8080")]
    metrics_address: SocketAddr,
    /// Address on which /livez and /readyz are served. [::] as above.
    #[arg(long, env = "HEALTH_ADDRESS", default_value = "[::]:8081")]
    health_address: SocketAddr,
    /// How many Directories are worked on at the same time. Those that wait for their source do not count.
    #[arg(long, env = "MAX_CONCURRENT_SYNCS", default_value_t = 8)]
    max_concurrent_syncs: usize,
    /// Networks to which sources may connect although nobody's directory is usually there, such as
    /// 127.0.0.0/8. Can be repeated.
    #[arg(long = "allow-address", env = "ALLOW_ADDRESSES", value_delimiter = ',', value_name = "CIDR")]
    allow_addresses: Vec<IpNet>,
    /// Networks of the cluster's own pods and Services, to which sources do not connect unless
    /// `--allow-address` says so. Can be repeated.
    #[arg(long = "cluster-network", env = "CLUSTER_NETWORKS", value_delimiter = ',', value_name = "CIDR")]
    cluster_networks: Vec<IpNet>,
    /// How much memory the records of one Directory may take, packed: about five times as many bytes of records, so that
    /// the default does for a million people. A source that sends more is not read.
    #[arg(long, env = "MAX_READING_MEBIBYTES", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    max_reading_mebibytes: u32,
    #[command(flatten)]
    lease: LeaseArgs,
    /// Form of the log lines.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
    /// Log level or filter, as `info` or `directory_sync=debug,warn`; `RUST_LOG` overrides it.
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    log_level: String,
}

/// Runs the operator until SIGTERM or SIGINT.
///
/// # Errors
/// When there is no cluster configuration, an address cannot be listened on, or the Lease was lost.
pub fn run(args: RunArgs) -> anyhow::Result<()> {
    telemetry::init(args.log_format, &args.log_level)?;
    let cluster = Cluster { api_server: api_server(), networks: args.cluster_networks };
    let options = Options {
        election: args.lease.election()?,
        namespaces: args.namespaces.into_iter().filter(|namespace| !namespace.is_empty()).collect(),
        metrics_address: args.metrics_address,
        health_address: args.health_address,
        max_concurrent_syncs: args.max_concurrent_syncs,
        reading_limit: (args.max_reading_mebibytes as usize).saturating_mul(1024 * 1024),
        egress: Egress::guarded(args.allow_addresses, cluster),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let config = config::infer().await.context(
            "no cluster: neither a kubeconfig (KUBECONFIG, ~/.kube/config) nor a pod's ServiceAccount was found",
        )?;
        refuse_proxy(&config)?;
        let stop = CancellationToken::new();
        stop_on_signal(stop.clone())?;
        operator::run(config, options, stop).await
    });
    // A planning thread that is still computing must not hold up the end.
    runtime.shutdown_background();
    result
}

/// What a proxy holds back would come to the apiserver when another replica works already.
fn refuse_proxy(config: &Config) -> anyhow::Result<()> {
    let Some(proxy) = &config.proxy_url else { return Ok(()) };
    let (proxy, cluster) = (proxy.host().unwrap_or_default(), config.cluster_url.host().unwrap_or_default());
    bail!(
        "the operator has to reach the apiserver directly, and not through the proxy {proxy}: name {cluster} in \
         NO_PROXY, or take proxy-url out of the kubeconfig"
    )
}

/// The apiserver's address, as Kubernetes tells every pod.
fn api_server() -> Option<IpAddr> {
    std::env::var("KUBERNETES_SERVICE_HOST").ok()?.parse().ok()
}

fn stop_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        stop.cancel();
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        run: RunArgs,
    }

    fn parsed(arguments: &[&str]) -> RunArgs {
        Line::try_parse_from([&["run"], arguments].concat()).map_err(|error| error.to_string()).unwrap().run
    }

    #[test]
    fn a_later_argument_takes_the_place_of_an_earlier_one() {
        let run = parsed(&[
            "--log-level=info",
            "--leader-elect=true",
            "--leader-elect-lease-duration=15s",
            "--metrics-address=[::]:8080",
            "--log-level=debug",
            "--leader-elect=false",
            "--leader-elect-lease-duration=1m",
            "--metrics-address=127.0.0.1:9090",
        ]);
        assert_eq!(run.log_level, "debug");
        assert_eq!(run.metrics_address.to_string(), "127.0.0.1:9090");
        assert!(run.lease.election().unwrap().is_none());
    }

    #[test]
    fn arguments_that_can_be_repeated_collect() {
        let run = parsed(&[
            "--watch-namespace=a",
            "--allow-address=127.0.0.1/32",
            "--watch-namespace=b,c",
            "--allow-address=::1/128",
        ]);
        assert_eq!(run.namespaces, ["a", "b", "c"]);
        assert_eq!(run.allow_addresses.len(), 2);
    }
}
