//! Where the cluster is, and through which proxy it is reached: as `kubectl` finds it.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::config::InferConfigError;

/// What the kubeconfig (`KUBECONFIG`, `~/.kube/config`) says, or in a pod its `ServiceAccount`.
///
/// A proxy is what the kubeconfig's `proxy-url` says, or else `HTTPS_PROXY`, of which `NO_PROXY` and addresses of this
/// machine are exempt.
///
/// # Errors
/// When there is neither, or what there is cannot be understood.
pub async fn infer() -> Result<Config, InferConfigError> {
    let mut config = Config::infer().await?;
    // `kube` holds NO_PROXY against the proxy's own address, and does not exempt this machine.
    let exempt = |proxy| is_exempt(proxy, &config.cluster_url, |name| std::env::var(name).ok());
    if config.proxy_url.as_ref().is_some_and(exempt) {
        config.proxy_url = None;
    }
    Ok(config)
}

/// Whether a proxy is the environment's, and is not for this cluster.
fn is_exempt(proxy: &Uri, cluster: &Uri, environment: impl Fn(&str) -> Option<String>) -> bool {
    let first = |names: [&str; 2]| names.into_iter().filter_map(&environment).find(|value| !value.is_empty());
    let named = first(["HTTPS_PROXY", "https_proxy"]).and_then(|value| value.parse().ok());
    if named.as_ref() != Some(proxy) {
        return false;
    }
    let no_proxy = first(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    let matcher = Matcher::builder().all(proxy.to_string()).no(no_proxy).build();
    is_here(cluster) || matcher.intercept(cluster).is_none()
}

/// Whether an address is one of this machine.
fn is_here(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "http://proxy.test:3128";

    fn exempt(proxy: &str, cluster: &str, environment: &[(&str, &str)]) -> bool {
        let variable = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        is_exempt(&proxy.parse().unwrap(), &cluster.parse().unwrap(), variable)
    }

    #[test]
    fn a_cluster_that_no_proxy_names_is_reached_directly() {
        let environment = [("HTTPS_PROXY", PROXY), ("NO_PROXY", "10.0.0.0/8,.corp.test")];
        assert!(exempt(PROXY, "https://10.1.2.3:6443", &environment));
        assert!(exempt(PROXY, "https://k8s.corp.test", &environment));
        assert!(!exempt(PROXY, "https://k8s.example.test", &environment));
        let small = [("https_proxy", PROXY), ("no_proxy", "k8s.example.test")];
        assert!(exempt(PROXY, "https://k8s.example.test", &small));
    }

    #[test]
    fn this_machine_is_reached_directly_whatever_the_environment_says() {
        for cluster in ["https://127.0.0.1:6443", "https://[::1]:6443", "https://localhost:6443"] {
            assert!(exempt(PROXY, cluster, &[("HTTPS_PROXY", PROXY)]), "{cluster}");
        }
    }

    #[test]
    fn a_proxy_that_the_kubeconfig_names_is_for_every_cluster() {
        let environment = [("HTTPS_PROXY", "http://other.test:3128"), ("NO_PROXY", "*")];
        assert!(!exempt(PROXY, "https://127.0.0.1:6443", &environment));
        assert!(!exempt(PROXY, "https://k8s.example.test", &[("NO_PROXY", "*")]));
    }
}
