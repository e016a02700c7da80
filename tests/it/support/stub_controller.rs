//! A stand-in for a domain controller that answers what a test tells it to: for what Windows does
//! and Samba does not, and for servers of any kind that lie about their listings. It speaks the protocol on
//! loopback, without encryption, and understands no filters.

use std::sync::Arc;
use std::sync::Mutex;

use lber::common::TagClass;
use lber::structure::{PL, StructureTag};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::samba::DOMAIN;

/// Paged results (RFC 2696).
const PAGED: &str = "1.2.840.113556.1.4.319";
/// DirSync.
pub const DIRSYNC: &str = "1.2.840.113556.1.4.841";

/// A search, as it came.
#[derive(Clone, Debug)]
pub struct Search {
    /// The base.
    pub base: String,
    /// The filter, encoded, with what is not text replaced.
    pub filter: String,
    /// The attributes that are asked for.
    pub attributes: Vec<String>,
    /// The controls, by number, with their values.
    pub controls: Vec<(String, Vec<u8>)>,
}

impl Search {
    /// The value of a control.
    pub fn control(&self, oid: &str) -> Option<&[u8]> {
        self.controls.iter().find(|(name, _)| name == oid).map(|(_, value)| value.as_slice())
    }

    /// The cookie of the page that is asked for, empty for the first; `None` without pages.
    pub fn page(&self) -> Option<Vec<u8>> {
        let (_, value) = lber::parse::parse_tag(self.control(PAGED)?).ok()?;
        inner(value).pop().map(primitive)
    }

    /// How many entries a page may have; `None` without pages.
    pub fn page_size(&self) -> Option<usize> {
        let (_, value) = lber::parse::parse_tag(self.control(PAGED)?).ok()?;
        let size = primitive(inner(value).into_iter().next()?);
        Some(size.iter().fold(0, |size, &byte| size << 8 | usize::from(byte)))
    }

    /// Where the range of `member` that is asked for begins.
    pub fn range(&self) -> Option<usize> {
        let range = self.attributes.iter().find_map(|name| name.strip_prefix("member;range="))?;
        range.split('-').next()?.parse().ok()
    }
}

/// An entry: its name and attributes.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Its name.
    pub dn: String,
    /// Its attributes.
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// An entry without attributes.
    pub fn new(dn: &str) -> Self {
        Self { dn: dn.to_owned(), attributes: Vec::new() }
    }

    /// Adds an attribute.
    pub fn with(mut self, name: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        self.attributes.push((name.to_owned(), values));
        self
    }

    /// Adds an attribute of bytes.
    pub fn with_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.attributes.push((name.to_owned(), vec![value.to_vec()]));
        self
    }
}

/// What an answer in pages says of the next one.
#[derive(Clone, Debug, Default)]
pub enum Next {
    /// There is none.
    #[default]
    Nothing,
    /// It is asked for by this cookie.
    Page(Vec<u8>),
    /// Not a word.
    Unsaid,
}

/// An answer to a search.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Controls at the end; that of paging is added by itself.
    pub controls: Vec<(String, Vec<u8>)>,
    /// The result code.
    pub result: u8,
    /// Whether there is another page, where pages are asked for.
    pub next: Next,
}

impl Found {
    /// Some entries.
    pub fn of(entries: Vec<Entry>) -> Self {
        Self { entries, ..Self::default() }
    }

    /// An answer to DirSync.
    pub fn changes(entries: Vec<Entry>, more: bool, cookie: &[u8]) -> Self {
        let value = sequence(vec![integer(&[u8::from(more)]), integer(&[0]), octets(cookie)]);
        Self { controls: vec![(DIRSYNC.to_owned(), bytes(value))], ..Self::of(entries) }
    }
}

/// What a root DSE of a domain controller says, with a number of its newest change.
pub fn root(newest: u64) -> Entry {
    Entry::new("")
        .with("supportedCapabilities", &["1.2.840.113556.1.4.800"])
        .with("supportedControl", &[PAGED, DIRSYNC])
        .with("defaultNamingContext", &[DOMAIN])
        .with("dsServiceName", &["CN=NTDS Settings,CN=DC9,CN=Configuration"])
        .with("highestCommittedUSN", &[&newest.to_string()])
        .with("isSynchronized", &["TRUE"])
}

/// The domain's security identifier, unless a test wants another.
pub const SID: [u8; 24] = sid(1);

/// The security identifier of a domain by a number: `S-1-5-21-NUMBER-2-3`.
pub const fn sid(number: u8) -> [u8; 24] {
    [1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, number, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]
}

/// A running stand-in.
pub struct StubController {
    port: u16,
    task: JoinHandle<()>,
    searches: Arc<Mutex<Vec<Search>>>,
}

type Script = Arc<dyn Fn(&Search) -> Found + Send + Sync>;

impl StubController {
    /// Starts one. The script answers what is asked of the domain; the stub itself answers for the
    /// server: with this root DSE, an id of its database, the identifier of the domain, and a readable
    /// container of deleted objects.
    pub async fn start(root: Entry, script: impl Fn(&Search) -> Found + Send + Sync + 'static) -> Self {
        Self::of_domain(SID, root, script).await
    }

    /// As [`StubController::start`], of a domain with this identifier.
    pub async fn of_domain(
        sid: [u8; 24],
        root: Entry,
        script: impl Fn(&Search) -> Found + Send + Sync + 'static,
    ) -> Self {
        Self::of_any_kind(move |search| match search.base.as_str() {
            "" => Found::of(vec![root.clone()]),
            base if base.starts_with("CN=NTDS Settings") => {
                Found::of(vec![Entry::new(base).with_bytes("invocationId", &[7; 16])])
            }
            base if base.starts_with("<WKGUID=") => {
                Found::of(vec![Entry::new(base).with("isDeleted", &["TRUE"])])
            }
            DOMAIN if search.attributes == ["objectSid"] => {
                Found::of(vec![Entry::new(DOMAIN).with_bytes("objectSid", &sid)])
            }
            _ => script(search),
        })
        .await
    }

    /// Starts a stand-in for another server: the script answers everything.
    pub async fn of_any_kind(script: impl Fn(&Search) -> Found + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let searches = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&searches);
        let script: Script = Arc::new(move |search| {
            seen.lock().unwrap().push(search.clone());
            script(search)
        });
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, Arc::clone(&script)));
            }
        });
        Self { port, task, searches }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// All searches so far.
    pub fn searches(&self) -> Vec<Search> {
        self.searches.lock().unwrap().clone()
    }
}

impl Drop for StubController {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: TcpStream, script: Script) {
    let mut buffer = Vec::new();
    loop {
        while let Ok((rest, message)) = lber::parse::parse_tag(&buffer) {
            let taken = buffer.len() - rest.len();
            let Some(answers) = answers(message, &script) else { return };
            buffer.drain(..taken);
            let answers: Vec<u8> = answers.into_iter().flat_map(bytes).collect();
            if client.write_all(&answers).await.is_err() {
                return;
            }
        }
        if client.read_buf(&mut buffer).await.unwrap_or_default() == 0 {
            return;
        }
    }
}

/// The answers to a message; `None` for a good-bye.
fn answers(message: StructureTag, script: &Script) -> Option<Vec<StructureTag>> {
    let mut parts = inner(message).into_iter();
    let (id, operation, controls) = (parts.next().unwrap(), parts.next().unwrap(), parts.next());
    let reply = |operation: StructureTag, controls: Option<StructureTag>| {
        sequence([Some(id.clone()), Some(operation), controls].into_iter().flatten().collect())
    };
    match operation.id {
        0 => Some(vec![reply(application(1, result(0)), None)]),
        3 => {
            let search = read_search(operation, controls);
            let found = script(&search);
            let mut answers: Vec<_> =
                found.entries.iter().map(|entry| reply(write_entry(entry), None)).collect();
            let mut controls = found.controls;
            let next = match &found.next {
                Next::Nothing => Some(&[][..]),
                Next::Page(cookie) => Some(cookie.as_slice()),
                Next::Unsaid => None,
            };
            if let Some(cookie) = next.filter(|_| search.control(PAGED).is_some()) {
                controls.push((PAGED.to_owned(), bytes(sequence(vec![integer(&[0]), octets(cookie)]))));
            }
            let controls = controls
                .iter()
                .map(|(oid, value)| sequence(vec![octets(oid.as_bytes()), octets(value)]))
                .collect();
            let controls = StructureTag { class: TagClass::Context, id: 0, payload: PL::C(controls) };
            answers.push(reply(application(5, result(found.result)), Some(controls)));
            Some(answers)
        }
        _ => None,
    }
}

fn read_search(operation: StructureTag, controls: Option<StructureTag>) -> Search {
    let parts = inner(operation);
    let filter = String::from_utf8_lossy(&bytes(parts[6].clone())).into_owned();
    let controls = controls.map(inner).unwrap_or_default().into_iter().map(|control| {
        let parts = inner(control);
        // Between the two stands whether it is critical, perhaps.
        let mut value = parts.iter().skip(1).filter(|part| part.id == 4).map(|part| primitive(part.clone()));
        (text(parts[0].clone()), value.next_back().unwrap_or_default())
    });
    Search {
        base: text(parts[0].clone()),
        filter,
        attributes: inner(parts[7].clone()).into_iter().map(text).collect(),
        controls: controls.collect(),
    }
}

fn write_entry(entry: &Entry) -> StructureTag {
    let attributes = entry.attributes.iter().map(|(name, values)| {
        let values = values.iter().map(|value| octets(value)).collect();
        let set = StructureTag { class: TagClass::Universal, id: 17, payload: PL::C(values) };
        sequence(vec![octets(name.as_bytes()), set])
    });
    application(4, vec![octets(entry.dn.as_bytes()), sequence(attributes.collect())])
}

fn result(code: u8) -> Vec<StructureTag> {
    let code = StructureTag { class: TagClass::Universal, id: 10, payload: PL::P(vec![code]) };
    vec![code, octets(b""), octets(b"")]
}

fn application(id: u64, parts: Vec<StructureTag>) -> StructureTag {
    StructureTag { class: TagClass::Application, id, payload: PL::C(parts) }
}

fn sequence(parts: Vec<StructureTag>) -> StructureTag {
    StructureTag { class: TagClass::Universal, id: 16, payload: PL::C(parts) }
}

fn octets(value: &[u8]) -> StructureTag {
    StructureTag { class: TagClass::Universal, id: 4, payload: PL::P(value.to_vec()) }
}

fn integer(value: &[u8]) -> StructureTag {
    StructureTag { class: TagClass::Universal, id: 2, payload: PL::P(value.to_vec()) }
}

fn inner(tag: StructureTag) -> Vec<StructureTag> {
    tag.expect_constructed().unwrap_or_default()
}

fn primitive(tag: StructureTag) -> Vec<u8> {
    tag.expect_primitive().unwrap_or_default()
}

fn text(tag: StructureTag) -> String {
    String::from_utf8(primitive(tag)).unwrap()
}

#[expect(clippy::default_trait_access, reason = "the buffer's type is of a crate that only lber depends on")]
fn bytes(tag: StructureTag) -> Vec<u8> {
    let mut bytes = Default::default();
    lber::write::encode_into(&mut bytes, tag).unwrap();
    bytes.to_vec()
}
