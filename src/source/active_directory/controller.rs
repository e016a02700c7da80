//! Finds a domain controller that answers, and what it says of itself and its domain.

use super::pull::Reader;
use super::schema::{OBJECT_SID, entry_query};
use super::state::LockoutDuration;
use super::values::{self, Guid};
use crate::source::ldap_protocol::entry::Entry;
use crate::source::ldap_protocol::search::read_one;
use crate::source::ldap_protocol::wire::{Endpoint, Session};
use crate::source::{Class, SourceError, TenantId};

/// The capability of a domain controller, in the root DSE: LDAP_CAP_ACTIVE_DIRECTORY_OID.
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";

/// A domain controller with an open connection.
pub struct Controller {
    /// The connection.
    pub session: Session,
    /// The domain's name as a DN.
    pub domain: String,
    /// Whose domain it is, if the account may read that.
    pub tenant: Option<TenantId>,
    /// The name of the partition with the schema.
    pub schema: Option<String>,
    /// The id of this domain controller's database; it changes when that is restored from a
    /// backup. `None` when the account may not read it.
    pub invocation: Option<Guid>,
    /// The number of the newest change in this database.
    pub newest: Option<u64>,
    /// Whether it offers DirSync.
    pub offers_dirsync: bool,
    /// Those that were tried before, and why they were passed over.
    pub passed_over: Vec<String>,
}

impl Controller {
    /// Opens a connection to the first domain controller that can be used.
    ///
    /// One that cannot be reached, is busy or is not ready leads to the next. One that refuses
    /// the account does not: each attempt counts towards the account's lockout. Nor does one
    /// whose certificate is not acceptable: that wants to be looked at.
    ///
    /// # Errors
    /// Why none can be used.
    pub async fn open(reader: &Reader) -> Result<Self, SourceError> {
        let mut passed_over: Vec<SourceError> = Vec::new();
        for endpoint in &reader.endpoints {
            match Self::open_one(reader, endpoint).await {
                Ok(controller) => {
                    let passed_over = passed_over.into_iter().map(|error| passed_over_note(&error)).collect();
                    return Ok(Self { passed_over, ..controller });
                }
                Err(error) if error.class == Class::Transient => passed_over.push(error),
                Err(error) => return Err(error),
            }
        }
        let causes: Vec<String> = passed_over.into_iter().map(|error| error.message).collect();
        Err(SourceError::transient(match causes.as_slice() {
            [one] => one.clone(),
            several => {
                format!("none of {} domain controllers can be used: {}", several.len(), several.join("; "))
            }
        }))
    }

    async fn open_one(reader: &Reader, endpoint: &Endpoint) -> Result<Self, SourceError> {
        let credentials = Some(&reader.credentials);
        let mut session =
            Session::open(endpoint.clone(), &reader.security, credentials, reader.timeout).await?;
        let wanted = [
            "supportedCapabilities",
            "supportedControl",
            "defaultNamingContext",
            "schemaNamingContext",
            "dsServiceName",
            "highestCommittedUSN",
            "isSynchronized",
        ];
        let Some(root) = read_one(&mut session, &entry_query("", &wanted), &[]).await? else {
            return Err(SourceError::transient(format!(
                "{endpoint} does not say what it is (its root DSE cannot be read); it is asked again later"
            )));
        };
        let has = |attribute: &str, value: &str| root.values(attribute).iter().any(|found| found == value);
        let domain = root.first("defaultNamingContext");
        let (true, Some(domain)) = (has("supportedCapabilities", ACTIVE_DIRECTORY), domain) else {
            return Err(SourceError::misconfigured(format!(
                "{endpoint} is not a domain controller of Active Directory; for another directory use \
                 spec.provider.ldap, or correct {}",
                endpoint.wording.url
            )));
        };
        if root.first("isSynchronized").is_some_and(|ready| ready.eq_ignore_ascii_case("false")) {
            return Err(SourceError::transient(format!(
                "{endpoint} has not finished its first replication; it is asked again later"
            )));
        }
        let invocation = invocation(&mut session, &root).await?;
        let tenant = tenant(&mut session, &domain).await?;
        Ok(Self {
            session,
            domain,
            tenant,
            schema: root.first("schemaNamingContext"),
            invocation,
            newest: root.first("highestCommittedUSN").and_then(|number| number.parse().ok()),
            offers_dirsync: has("supportedControl", super::controls::DIRSYNC),
            passed_over: Vec::new(),
        })
    }

    /// How long lockouts last in the domain.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn lockout_duration(&mut self) -> Result<LockoutDuration, SourceError> {
        let query = entry_query(&self.domain, &["lockoutDuration"]);
        let entry = read_one(&mut self.session, &query, &[]).await?.unwrap_or_default();
        Ok(LockoutDuration::read(entry.values("lockoutDuration").first().map(String::as_str)))
    }

    /// Whether the account sees what has been deleted. One that does not is told of no deletion,
    /// and gets no error either, so it is asked for a value of the container itself.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn sees_deleted_objects(&mut self) -> Result<bool, SourceError> {
        // The container by its well-known id ([MS-ADTS] section 6.1.1.4), wherever it is.
        let name = format!("<WKGUID=18E2EA80684F11D2B9AA00C04F79F805,{}>", self.domain);
        let mut query = entry_query(&name, &["name", "isDeleted"]);
        query.controls = vec![super::controls::show_deleted()];
        let entry = read_one(&mut self.session, &query, &[]).await?.unwrap_or_default();
        Ok(!entry.attributes.is_empty())
    }
}

/// The id of the database, from the entry with the domain controller's settings.
async fn invocation(session: &mut Session, root: &Entry) -> Result<Option<Guid>, SourceError> {
    let Some(service) = root.first("dsServiceName") else { return Ok(None) };
    let entry = read_one(session, &entry_query(&service, &["invocationId"]), &["invocationId"]).await?;
    Ok(entry.and_then(|entry| Guid::new(entry.first_octets("invocationId")?)))
}

/// Whose domain it is: its security identifier, which stays when the domain is renamed or restored,
/// and which no other domain has.
async fn tenant(session: &mut Session, domain: &str) -> Result<Option<TenantId>, SourceError> {
    let entry = read_one(session, &entry_query(domain, &[OBJECT_SID]), &[OBJECT_SID]).await?;
    let sid = entry.as_ref().and_then(|entry| entry.first_octets(OBJECT_SID)).and_then(values::sid);
    Ok(sid.map(|sid| TenantId { of: "the domain".to_owned(), id: format!("{OBJECT_SID}={sid}") }))
}

fn passed_over_note(error: &SourceError) -> String {
    format!("A domain controller was passed over: {error}.")
}
