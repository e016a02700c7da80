//! The kubeconfig of a ServiceAccount, for programs that tests start.

use std::fs;
use std::path::{Path, PathBuf};

use super::cluster::Cluster;
use super::proxy::Proxy;

/// The name of the file that [`write`] makes.
pub const FILE: &str = "kubeconfig";

/// Writes a kubeconfig into a folder: whoever `token` stands for, in a namespace.
pub fn write(cluster: &Cluster, folder: &Path, namespace: &str, token: &str) -> PathBuf {
    write_through(cluster, None, folder, namespace, token)
}

/// As [`write`], with the way leading through a proxy.
pub fn write_through(
    cluster: &Cluster,
    proxy: Option<&Proxy>,
    folder: &Path,
    namespace: &str,
    token: &str,
) -> PathBuf {
    let mut kubeconfig = cluster.administrator();
    if let Some(proxy) = proxy {
        proxy.redirect(&mut kubeconfig);
    }
    let token_file = folder.join("token");
    fs::write(&token_file, token).unwrap();
    for user in &mut kubeconfig.auth_infos {
        let info = user.auth_info.get_or_insert_default();
        info.client_certificate_data = None;
        info.client_key_data = None;
        info.token = None;
        info.token_file = Some(token_file.display().to_string());
    }
    for context in kubeconfig.contexts.iter_mut().filter_map(|named| named.context.as_mut()) {
        context.namespace = Some(namespace.to_owned());
    }
    let path = folder.join(FILE);
    fs::write(&path, serde_json::to_string(&kubeconfig).unwrap()).unwrap();
    path
}
