//! The keys by which a server is known (RFC 4253 section 6.6), as settings write them.

use data_encoding::{BASE64, BASE64_NOPAD};

/// What a server is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostKey {
    /// The key itself.
    Key {
        /// Its kind, as the protocol names it.
        algorithm: String,
        /// Its parts, as they go over the wire.
        blob: Vec<u8>,
    },
    /// `SHA256:` and the hash of the key in base64, as `ssh-keygen -l` prints it.
    Fingerprint(String),
}

impl HostKey {
    /// Reads a key as it stands in `.pub` files, or a fingerprint.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(hash) = text.strip_prefix("SHA256:") {
            let whole = BASE64_NOPAD.decode(hash.as_bytes()).is_ok_and(|hash| hash.len() == 32);
            return whole.then(|| Self::Fingerprint(text.to_owned())).ok_or_else(|| {
                "the fingerprint is not whole; 'ssh-keygen -l -f' prints it as SHA256: and 43 characters"
                    .to_owned()
            });
        }
        let mut words = text.split_ascii_whitespace();
        let (Some(algorithm), Some(blob)) = (words.next(), words.next()) else {
            return Err(
                "write the key as 'ssh-ed25519 AAAA...', which ssh-keyscan prints after the host's name"
                    .to_owned(),
            );
        };
        if !matches!(
            algorithm,
            "ssh-ed25519" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521"
        ) {
            return Err(
                "only ssh-ed25519 and ecdsa-sha2-nistp256, -384 and -521 are supported; name the server's key of \
                 such a kind"
                    .to_owned(),
            );
        }
        let blob = BASE64.decode(blob.as_bytes()).ok().filter(|blob| names(blob, algorithm));
        let Some(blob) = blob else {
            return Err(format!("what follows {algorithm} is not a whole key of that kind; copy it again"));
        };
        Ok(Self::Key { algorithm: algorithm.to_owned(), blob })
    }

    /// The kind of key, where it is known.
    #[cfg(feature = "sftp")]
    pub fn algorithm(&self) -> Option<&str> {
        match self {
            Self::Key { algorithm, .. } => Some(algorithm),
            Self::Fingerprint(_) => None,
        }
    }

    /// Whether it is the key that a server has.
    #[cfg(feature = "sftp")]
    pub fn is(&self, blob: &[u8], fingerprint: &str) -> bool {
        match self {
            Self::Key { blob: known, .. } => known == blob,
            Self::Fingerprint(known) => known == fingerprint,
        }
    }
}

/// Whether a key on the wire is whole: strings with their lengths in front (RFC 4251 section 5), of
/// which the first is the name of its kind.
fn names(blob: &[u8], algorithm: &str) -> bool {
    let (mut rest, mut strings) = (blob, Vec::new());
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((string, after)) = after.split_at_checked(length) else { return false };
        strings.push(string);
        rest = after;
    }
    rest.is_empty() && strings.len() > 1 && strings[0] == algorithm.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ host@acme";

    #[test]
    fn keys_and_fingerprints_are_read_as_the_tools_print_them() {
        assert!(
            matches!(HostKey::parse(ED25519), Ok(HostKey::Key { algorithm, .. }) if algorithm == "ssh-ed25519")
        );
        let fingerprint = format!("SHA256:{}", "A".repeat(43));
        assert_eq!(HostKey::parse(&fingerprint), Ok(HostKey::Fingerprint(fingerprint)));
    }

    #[test]
    fn what_is_no_key_is_refused_in_words() {
        let half = &ED25519[..40];
        let other = ED25519.replacen("ssh-ed25519", "ecdsa-sha2-nistp256", 1);
        for (text, why) in [
            ("", "write the key as"),
            ("ssh-rsa AAAAB3NzaC1yc2E=", "only ssh-ed25519"),
            ("sftp.acme.example ssh-ed25519 AAAA", "only ssh-ed25519"),
            (half, "not a whole key"),
            (&other, "not a whole key"),
            ("SHA256:AAAA", "not whole"),
        ] {
            let error = HostKey::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
