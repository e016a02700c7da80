//! A certificate authority that signs good and bad server certificates.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// A server's certificate and key, both PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate.
    pub pem: String,
    /// Its private key.
    pub key: String,
}

/// An authority of a test's own.
pub struct Authority {
    /// The authority's certificate (PEM), for `ca.crt`.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// An authority that is valid for long.
    pub fn new() -> Self {
        Self::valid_until(2090)
    }

    /// An authority that expired in 2021.
    pub fn expired() -> Self {
        Self::valid_until(2021)
    }

    fn valid_until(year: i32) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        // Two authorities of one name would be told apart by their signatures only.
        let name = format!("Authority {}", data_encoding::HEXLOWER.encode(&key.public_key_raw()[..8]));
        parameters.distinguished_name.push(DnType::CommonName, name);
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(parameters, key) }
    }

    /// A certificate for `localhost`.
    pub fn certificate(&self) -> Certificate {
        self.sign("localhost", 2090)
    }

    /// A certificate for another name.
    pub fn certificate_for(&self, name: &str) -> Certificate {
        self.sign(name, 2090)
    }

    /// A certificate for `localhost` that expired in 2021.
    pub fn expired_certificate(&self) -> Certificate {
        self.sign("localhost", 2021)
    }

    fn sign(&self, name: &str, year: i32) -> Certificate {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let pem = parameters.signed_by(&key, &self.issuer).unwrap().pem();
        Certificate { pem, key: key.serialize_pem() }
    }
}
