//! Many Directories of one operator, of which a few have sources that hang, refuse or take their time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ldap::Slapd;
use super::ldap::proxy::{Held, Listener, held, slow};
use super::ports::free_port;
use super::stage::{LIMIT, Stage, csv, ldap, with};
use super::wait::eventually;

/// How often each of them is to be synced.
pub const INTERVAL_SECONDS: u64 = 10;

/// The Directories, and what their sources are.
pub struct Neighbours {
    pub stage: Stage,
    /// Names of those whose sources answer.
    pub good: Vec<String>,
    /// Names of those whose sources do not, or in trickles.
    pub bad: Vec<String>,
    /// Of the bad ones: those whose sources hang.
    pub hanging: Vec<String>,
    slapd: Slapd,
    silent: Held,
    trickle: Listener,
}

impl Neighbours {
    /// An operator with these arguments, and the bad ones: in turn they hang, trickle and refuse.
    pub async fn bad(prefix: &str, arguments: &[&str], count: usize) -> Self {
        let stage = Stage::with(prefix, arguments).await;
        let slapd = Slapd::builder().start();
        let silent = held(slapd.port(), 0).await;
        let trickle = slow(slapd.port()).await;
        stage.reader().await;
        stage.people(super::stage::TWO).await;
        let (good, bad, hanging) = (Vec::new(), Vec::new(), Vec::new());
        let mut neighbours = Self { stage, good, bad, hanging, slapd, silent, trickle };
        for number in 0..count {
            neighbours.add_bad(number).await;
        }
        // Those that hang are first, so that others are born into it.
        let connecting = (0..count).filter(|number| number % 3 != 2).count();
        let connected = move |seen: &super::ldap::Operations| seen.connections >= connecting;
        neighbours.slapd.wait_until("the bad ones have connected", connected).await;
        neighbours
    }

    async fn add_bad(&mut self, number: usize) {
        let name = format!("bad-{number}");
        let port = match number % 3 {
            0 => {
                self.hanging.push(name.clone());
                self.silent.listener.port
            }
            1 => self.trickle.port,
            _ => free_port(),
        };
        self.add(
            &name,
            with(
                ldap(&format!("ldap://localhost:{port}")),
                &json!({"provider": {"ldap": {
                    "timeoutSeconds": 600,
                }}}),
            ),
        )
        .await;
        self.bad.push(name);
    }

    /// Adds so many good ones: on the same server, or on tables.
    pub async fn add_good(&mut self, count: usize) {
        for number in 0..count {
            let name = format!("good-{number}");
            let spec = if number % 2 == 0 { csv() } else { ldap(&self.slapd.url()) };
            self.add(&name, spec).await;
            self.good.push(name);
        }
    }

    async fn add(&self, name: &str, spec: Value) {
        let interval = json!({"sync": {"interval": format!("{INTERVAL_SECONDS}s")}});
        self.stage.directory(name, with(spec, &interval)).await;
    }

    /// How many syncs of each Directory have ended, well or not.
    pub async fn runs(&self) -> BTreeMap<String, usize> {
        let text = self.stage.operator.metrics().await;
        let mut runs = BTreeMap::new();
        let counted = text.lines().filter_map(|line| line.strip_prefix("directory_sync_runs_total{"));
        for line in counted {
            let name = line.split("name=\"").nth(1).and_then(|rest| rest.split('"').next());
            let count = line.rsplit(' ').next().and_then(|count| count.parse::<usize>().ok());
            *runs.entry(name.unwrap_or_default().to_owned()).or_default() += count.unwrap_or_default();
        }
        runs
    }

    /// Waits until each good one has been synced so many times.
    pub async fn good_are_synced(&self, times: usize) {
        // Far below the time-out of those that hang, and enough for so many on a busy machine.
        eventually("everybody else is synced", 2 * LIMIT, async || {
            let runs = self.runs().await;
            let late: Vec<_> =
                self.good.iter().filter(|name| runs.get(*name).is_none_or(|runs| *runs < times)).collect();
            if late.is_empty() { Ok(()) } else { Err(format!("{} wait, as {:?}", late.len(), late[0])) }
        })
        .await;
    }
}
