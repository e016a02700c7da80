//! Waits until the control plane is at rest: nothing is to pay for what was measured before it.

use std::time::Duration;

use crate::process;

/// All of the control plane.
const COMPONENTS: [&str; 3] = ["etcd", "kube-apiserver", "kube-controller-manager"];
/// What it may use while it is at rest, as a share of one core.
const AT_REST: f64 = 0.15;
/// How long it is waited for. It has to get rid of tens of thousands of objects.
const LIMIT: u32 = 60;

/// Waits until the control plane has done nothing for two seconds, or says that it does not come to rest.
pub async fn at_rest() {
    let mut quiet = 0;
    for _ in 0..LIMIT {
        let before = process::cpu_of(&COMPONENTS);
        tokio::time::sleep(Duration::from_secs(1)).await;
        quiet = if process::cpu_of(&COMPONENTS) - before < AT_REST { quiet + 1 } else { 0 };
        if quiet == 2 {
            return;
        }
    }
    eprintln!("        the control plane has not come to rest within {LIMIT} s");
}
