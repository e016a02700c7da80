//! How an OpenLDAP server of a test is to be: its data, limits, overlays and certificate.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::certificates::Certificate;
use super::company::{Company, SUFFIX};
use super::{ADMIN, PASSWORD, READER, Slapd, missing, program};

/// How a server is to be.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the server's own")]
pub struct Builder {
    company: Company,
    extra: String,
    reader_limits: Option<String>,
    overlays: String,
    without_sync: bool,
    without_session_log: bool,
    anonymous: bool,
    bis: bool,
    schema: String,
    certificate: Option<Certificate>,
    directives: String,
}

impl Builder {
    /// Who works there.
    pub fn company(mut self, company: Company) -> Self {
        self.company = company;
        self
    }

    /// More entries (LDIF), after the company's.
    pub fn ldif(mut self, ldif: &str) -> Self {
        self.extra.push_str(ldif);
        self.extra.push_str("\n\n");
        self
    }

    /// What the reading account may ask for, in the words of `slapd.conf`: `size.prtotal=hard`.
    pub fn reader_limits(mut self, limits: &str) -> Self {
        self.reader_limits = Some(limits.to_owned());
        self
    }

    /// Loads an overlay, such as `memberof`.
    pub fn overlay(mut self, name: &str) -> Self {
        self.overlays.push_str(name);
        self.overlays.push('\n');
        self
    }

    /// Leaves content synchronisation (RFC 4533) out.
    pub fn without_sync(mut self) -> Self {
        self.without_sync = true;
        self
    }

    /// Offers content synchronisation without a memory of what is gone.
    pub fn without_session_log(mut self) -> Self {
        self.without_session_log = true;
        self
    }

    /// Lets anybody read.
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Makes `posixGroup` auxiliary, as RFC 2307bis has it.
    pub fn rfc2307bis(mut self) -> Self {
        self.bis = true;
        self
    }

    /// Adds attributes and classes, in the words of a schema file.
    pub fn schema(mut self, definitions: &str) -> Self {
        self.schema.push_str(definitions);
        self
    }

    /// Offers ldaps and StartTLS with a certificate.
    pub fn tls(mut self, certificate: &Certificate) -> Self {
        self.certificate = Some(certificate.clone());
        self
    }

    /// Adds a line to the database's section of `slapd.conf`.
    pub fn directive(mut self, line: &str) -> Self {
        self.directives.push_str(line);
        self.directives.push('\n');
        self
    }

    /// Loads the data and starts the server.
    pub fn start(self) -> Slapd {
        let folder = tempfile::Builder::new().prefix("slapd-").tempdir().unwrap();
        let path = folder.path();
        fs::create_dir(path.join("db")).unwrap();
        self.write_configuration(path);
        fs::write(path.join("data.ldif"), format!("{}{}", self.company.ldif(), self.extra)).unwrap();
        let loaded = program("slapadd")
            .args(["-q", "-w", "-f"])
            .arg(path.join("slapd.conf"))
            .arg("-l")
            .arg(path.join("data.ldif"))
            .output()
            .unwrap();
        assert!(loaded.status.success(), "slapadd: {}", String::from_utf8_lossy(&loaded.stderr));
        Slapd::running(folder, self.certificate.is_some())
    }

    pub(super) fn write_configuration(&self, path: &Path) {
        let mut text = String::new();
        for schema in ["core", "cosine", "inetorgperson"] {
            writeln!(text, "include /etc/ldap/schema/{schema}.schema").unwrap();
        }
        let mut nis =
            fs::read_to_string("/etc/ldap/schema/nis.schema").unwrap_or_else(|_| missing("nis.schema"));
        if self.bis {
            let structural = "DESC 'Abstraction of a group of accounts'\n\tSUP top STRUCTURAL";
            assert!(nis.contains(structural));
            nis = nis.replace(structural, &structural.replace("STRUCTURAL", "AUXILIARY"));
        }
        fs::write(path.join("nis.schema"), nis).unwrap();
        fs::write(path.join("more.schema"), &self.schema).unwrap();
        for schema in ["nis", "more"] {
            writeln!(text, "include {}", path.join(schema).with_extension("schema").display()).unwrap();
        }
        text.push_str("modulepath /usr/lib/ldap\nmoduleload back_mdb\n");
        let mut overlays: Vec<&str> = self.overlays.lines().collect();
        if !self.without_sync {
            overlays.push("syncprov");
        }
        for overlay in &overlays {
            writeln!(text, "moduleload {overlay}").unwrap();
        }
        if let Some(certificate) = &self.certificate {
            fs::write(path.join("server.pem"), &certificate.pem).unwrap();
            fs::write(path.join("server.key"), &certificate.key).unwrap();
            let (pem, key) = (path.join("server.pem"), path.join("server.key"));
            writeln!(text, "TLSCertificateFile {}\nTLSCertificateKeyFile {}", pem.display(), key.display())
                .unwrap();
        }
        let limits = self.reader_limits.as_deref().unwrap_or("size=unlimited time=unlimited");
        let everybody = if self.anonymous { "read" } else { "auth" };
        write!(
            text,
            "database mdb\nsuffix \"{SUFFIX}\"\nrootdn \"{ADMIN}\"\nrootpw \"{PASSWORD}\"\ndirectory {}\n\
             maxsize 1073741824\ndbnosync\nindex objectClass,entryUUID,entryCSN,uid,cn,member eq\n\
             limits dn.exact=\"{READER}\" {limits}\n\
             {}access to attrs=userPassword by anonymous auth by * none\n\
             access to * by dn.exact=\"{READER}\" read by * {everybody}\n",
            path.join("db").display(),
            self.directives
        )
        .unwrap();
        for overlay in overlays {
            writeln!(text, "overlay {overlay}").unwrap();
            match overlay {
                "syncprov" if !self.without_session_log => text.push_str("syncprov-sessionlog 10000\n"),
                "refint" => text.push_str("refint_attributes member\nrefint_nothing \"cn=nobody\"\n"),
                _ => {}
            }
        }
        fs::write(path.join("slapd.conf"), text).unwrap();
    }
}
