//! The operator as a process of its own, under the rights that the chart gives it.

use std::fs::{self, File};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::clock::Clock;
use super::cluster::Cluster;
use super::definitions;
use super::kubeconfig;
use super::ports::free_port;
use super::proxy::Proxy;
use super::wait::eventually;

/// How long an operator may take to become ready.
const READY: Duration = Duration::from_secs(60);

/// Leader election that a machine which does much else does not upset: tests of other things are not
/// to see it.
const PATIENT: &[&str] = &["--leader-elect-lease-duration=60s", "--leader-elect-renew-deadline=50s"];

/// A running operator; ends when dropped.
pub struct Operator {
    child: Child,
    ports: Ports,
    folder: tempfile::TempDir,
    namespace: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// An operator that is yet to be started.
pub struct Setup<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    proxy: Option<&'a Proxy>,
}

impl<'a> Setup<'a> {
    /// Adds arguments to the necessary ones.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// Has it reach the apiserver through a proxy.
    pub fn through(mut self, proxy: &'a Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Gives it the name of a pod, by which it can be told from others of its service account.
    pub fn pod(mut self, name: &str) -> Self {
        self.environment.push(("POD_NAME".to_owned(), name.to_owned()));
        self
    }

    /// Has it go by a clock that a test moves.
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.environment.extend(clock.environment());
        self
    }

    /// Starts it, as the chart's ServiceAccount, and waits until it says that it is ready.
    pub async fn start(self) -> Operator {
        definitions::install(self.cluster).await;
        let mut operator = self.launch().await;
        operator.wait_until_ready().await;
        operator
    }

    /// Starts it, as the chart's ServiceAccount, whether or not it finds what it needs.
    pub async fn launch(self) -> Operator {
        let Self { cluster, namespace, arguments, environment, proxy } = self;
        let token = grant(cluster, namespace).await;
        let folder = tempfile::tempdir().unwrap();
        kubeconfig::write_through(cluster, proxy, folder.path(), namespace, &token);
        let namespace = namespace.to_owned();
        let (child, ports) = spawn(&folder, &namespace, &arguments, &environment);
        Operator { child, ports, folder, namespace, arguments, environment }
    }
}

impl Operator {
    /// An operator for one namespace.
    pub fn setup<'a>(cluster: &'a Cluster, namespace: &'a str) -> Setup<'a> {
        Setup { cluster, namespace, arguments: Vec::new(), environment: Vec::new(), proxy: None }
    }

    /// Starts an operator for one namespace, as the chart's ServiceAccount, and waits until it says
    /// that it is ready. It may connect to this machine, where the directories of tests are.
    pub async fn start(cluster: &Cluster, namespace: &str) -> Self {
        Self::start_with(cluster, namespace, &[]).await
    }

    /// As [`Operator::start`], with these arguments besides the necessary ones.
    pub async fn start_with(cluster: &Cluster, namespace: &str, arguments: &[&str]) -> Self {
        let arguments = [&["--allow-address=127.0.0.0/8,::1/128"], arguments].concat();
        Self::start_as_installed(cluster, namespace, &arguments).await
    }

    /// As [`Operator::start_with`], with no more rights on the network than an operator in a cluster.
    pub async fn start_as_installed(cluster: &Cluster, namespace: &str, arguments: &[&str]) -> Self {
        Self::setup(cluster, namespace).arguments(PATIENT).arguments(arguments).start().await
    }

    /// Stops the operator as Kubernetes does, unless it has ended, and starts it again.
    pub async fn restart(&mut self) {
        self.launch_again();
        self.wait_until_ready().await;
    }

    /// As [`Operator::restart`], whether or not it finds what it needs.
    pub fn launch_again(&mut self) {
        self.stop();
        self.spawn_again();
    }

    /// Sends the operator a signal, and does not wait for what it makes of it.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(sent.unwrap().success(), "the operator is not there any more:\n{}", self.log());
    }

    /// The value of a metric, by its name and labels; `None` when there is none.
    pub async fn metric(&self, name: &str) -> Option<String> {
        let text = self.metrics().await;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    }

    /// How the operator has ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Stops the operator as Kubernetes does, and waits until it has ended.
    pub fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = Command::new("kill").args(["-TERM", &self.id().to_string()]).status();
        let _ = self.child.wait();
    }

    /// Kills the operator without a warning.
    pub fn kill(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The id of the operator's process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the operator has logged so far, before restarts too.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// What Prometheus would scrape.
    pub async fn metrics(&self) -> String {
        get(self.ports.metrics, "/metrics").await.expect("a running operator serves its metrics")
    }

    /// What it answers to a kubelet that asks whether it is ready.
    pub async fn readiness(&self) -> std::io::Result<String> {
        get(self.ports.health, "/readyz").await
    }

    /// What it answers to a kubelet that asks whether it is alive.
    pub async fn liveness(&self) -> std::io::Result<String> {
        get(self.ports.health, "/livez").await
    }

    /// Waits until it says that it is ready, and starts it again on other ports when somebody was faster.
    pub async fn wait_until_ready(&mut self) {
        eventually("the operator is ready", READY, async || {
            if self.ended().is_some() && self.log().contains("cannot be served at") {
                self.spawn_again();
            }
            let answer = self.readiness().await.unwrap_or_else(|error| error.to_string());
            if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(format!("{answer}\n{}", self.log())) }
        })
        .await;
    }

    fn spawn_again(&mut self) {
        let spawned = spawn(&self.folder, &self.namespace, &self.arguments, &self.environment);
        (self.child, self.ports) = spawned;
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gives the chart's ServiceAccount the chart's rights, and returns a token of it.
async fn grant(cluster: &Cluster, namespace: &str) -> String {
    super::chart::apply_roles(cluster, namespace).await;
    cluster.service_account_token(namespace, "directory-sync").await
}

/// Where an operator listens.
struct Ports {
    metrics: u16,
    health: u16,
}

/// Starts the process.
fn spawn(
    folder: &tempfile::TempDir,
    namespace: &str,
    arguments: &[String],
    environment: &[(String, String)],
) -> (Child, Ports) {
    let Ports { metrics, health } = Ports { metrics: free_port(), health: free_port() };
    let log = File::options().create(true).append(true).open(folder.path().join("log")).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_directory-sync"))
        .arg("run")
        .arg(format!("--watch-namespace={namespace}"))
        .arg(format!("--metrics-address=127.0.0.1:{metrics}"))
        .arg(format!("--health-address=127.0.0.1:{health}"))
        .args(arguments)
        .env("KUBECONFIG", folder.path().join(kubeconfig::FILE))
        .env_remove("RUST_LOG")
        .env_remove("POD_NAME")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    (child, Ports { metrics, health })
}

/// One request; the whole answer as text.
async fn get(port: u16, path: &str) -> std::io::Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
