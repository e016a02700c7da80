//! A server's answers over an LDAP connection: messages, results, entries and controls.

use std::time::Duration;

use lber::structure::StructureTag;
use secrecy::SecretString;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::source::active_directory::values;
use crate::source::ldap::LdapSpec;
use crate::source::ldap::changes::syncrepl::Refresh;
use crate::source::ldap::map::{self, Context};
use crate::source::ldap::schema::{Groups, People};
use crate::source::ldap_protocol::entry::{Entry, LeftOut};
use crate::source::ldap_protocol::search::{PageSize, Pager};
use crate::source::ldap_protocol::wire::{Credentials, Endpoint, Session, Wording};
use crate::source::{Egress, Reference, ReferenceKind};

/// What is done on the connection, by the first byte's bits.
mod mode {
    /// Somebody signs in first.
    pub const SIGN_IN: u8 = 1;
    /// A list of changes is asked for, not pages.
    pub const CHANGES: u8 = 2;
}

/// Between a request and the next, the other tasks get so many turns.
const PATIENCE: usize = 64;

/// Attributes that hold bytes in Active Directory.
const OCTETS: &[&str] = &["objectGUID", "objectSid"];

static WORDING: Wording = Wording { path: "spec", url: "spec.url", account: "bindDN" };

/// Reads a listing from a server that sends these bytes: the first byte says what is done
/// ([`mode`]), the next two how many bytes answer the first request; the rest comes after the
/// second, and then the end.
///
/// # Panics
/// When a promise is broken: that is what the fuzzer looks for.
pub fn run(data: &[u8]) {
    let Some((&[mode, high, low], rest)) = data.split_first_chunk::<3>() else { return };
    let (first, second) = rest.split_at(usize::from(u16::from_be_bytes([high, low])).min(rest.len()));
    // A turn of the sockets after each of the tasks': what comes when depends on nothing else.
    let runtime = tokio::runtime::Builder::new_current_thread().event_interval(1).enable_all().build();
    let (Ok(runtime), Some((people, groups))) = (runtime, searches()) else { return };
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    runtime.block_on(async {
        tokio::spawn(answer(theirs, first.to_vec(), second.to_vec()));
        read(mode, ours, &people, &groups).await;
    });
}

fn searches() -> Option<(People, Groups)> {
    let spec: LdapSpec = serde_json::from_value(json!({
        "url": "ldaps://ldap.example.org",
        "users": {"baseDN": "ou=people,dc=example,dc=org"},
        "groups": {"baseDN": "ou=groups,dc=example,dc=org"},
    }))
    .ok()?;
    Some((People::of(&spec), Groups::of(&spec)?))
}

/// The server.
async fn answer(mut client: DuplexStream, first: Vec<u8>, second: Vec<u8>) {
    for part in [first, second] {
        let mut request = [0; 4096];
        let asked = client.read(&mut request);
        let waited = async {
            for _ in 0..PATIENCE {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = asked => {}
            () = waited => {}
        }
        if client.write_all(&part).await.is_err() {
            return;
        }
    }
}

async fn read(mode: u8, wire: DuplexStream, people: &People, groups: &Groups) {
    let endpoint = Endpoint {
        host: "ldap.example.org".to_owned(),
        port: 636,
        wording: &WORDING,
        egress: Egress::default(),
    };
    let credentials = Credentials {
        name: "cn=reader".to_owned(),
        password: SecretString::from("password"),
        from: Reference { kind: ReferenceKind::Secret, name: "ldap".to_owned() },
    };
    let credentials = (mode & mode::SIGN_IN != 0).then_some(&credentials);
    let timeout = Duration::from_secs(5);
    let Ok(mut session) = Session::over(wire, endpoint, credentials, timeout).await else { return };
    let mut reading = Reading { people, groups, context: Context::default(), left_out: LeftOut::default() };
    if mode & mode::CHANGES == 0 {
        let (mut pager, mut size) = (Pager::new(&people.query), PageSize::new(100));
        while let Ok(Some(entries)) = pager.next(&mut session, &mut size).await {
            reading.take(entries);
        }
    } else {
        let cookie = "cmlkPTAwMCxjc249MjAyNjExMjQwMDE3MTEuMTExMjYyWiMwMDAwMDAjMDAwIzAwMDAwMA==";
        let Ok(mut refresh) = Refresh::begin(&mut session, &people.query, cookie).await else { return };
        while let Ok(Some(entries)) = refresh.next().await {
            reading.take(entries);
        }
    }
    session.close().await;
}

/// What is made of entries.
struct Reading<'a> {
    people: &'a People,
    groups: &'a Groups,
    context: Context,
    left_out: LeftOut,
}

impl Reading<'_> {
    /// Whatever an entry is, it is tried as everything.
    fn take(&mut self, entries: Vec<StructureTag>) {
        for tag in entries {
            if let Some(entry) = Entry::decode(tag.clone(), &mut self.left_out) {
                drop(map::user(&entry, self.people, 1, &mut self.context));
                drop(map::group(&entry, self.groups, 1, &mut self.context));
            }
            let Some(entry) = Entry::decode_with(tag, OCTETS, &mut self.left_out) else { continue };
            for bytes in entry.octets.iter().flat_map(|(_, values)| values) {
                let known = values::Guid::new(bytes).and_then(|guid| values::Guid::parse(&guid.to_string()));
                assert_eq!(known, values::Guid::new(bytes), "an id is read back as it was written");
                values::rid(bytes);
            }
            for text in entry.attributes.iter().flat_map(|(_, values)| values) {
                values::ExtendedName::parse(text);
            }
        }
    }
}
