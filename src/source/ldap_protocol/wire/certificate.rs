//! Reads from a certificate (RFC 5280) how long it is valid, which the TLS library does not check
//! for the authorities one trusts.

use jiff::Timestamp;

use super::ber::{self, tag};
use crate::source::ldap_protocol::time;

/// `[0]`, in which a certificate's version stands.
const VERSION: u8 = 0xa0;

/// The last moment at which a certificate (DER) is valid; `None` when it does not parse.
pub fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = ber::expect(der, tag::SEQUENCE)?;
    let (mut fields, _) = ber::expect(certificate, tag::SEQUENCE)?;
    if let Some((_, rest)) = ber::expect(fields, VERSION) {
        fields = rest;
    }
    let (_, fields) = ber::expect(fields, tag::INTEGER)?;
    let (_, fields) = ber::expect(fields, tag::SEQUENCE)?;
    let (_, fields) = ber::expect(fields, tag::SEQUENCE)?;
    let (validity, _) = ber::expect(fields, tag::SEQUENCE)?;
    let (_, _, validity) = ber::element(validity)?;
    let (kind, content, _) = ber::element(validity)?;
    let text = std::str::from_utf8(content).ok()?;
    match kind {
        0x17 => time::parse_utc_time(text),
        0x18 => time::parse_generalized_time(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificates_validity_is_read() {
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2031, 5, 4);
        let certificate = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        assert_eq!(not_after(certificate.der()), Some("2031-05-04T00:00:00Z".parse().unwrap()));
        parameters.not_after = rcgen::date_time_ymd(2061, 5, 4);
        let certificate = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        assert_eq!(not_after(certificate.der()), Some("2061-05-04T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn what_is_no_certificate_has_no_validity() {
        assert_eq!(not_after(b""), None);
        assert_eq!(not_after(&[0x30, 0x80, 0x30]), None);
    }
}
