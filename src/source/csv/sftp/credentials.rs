//! How the account signs in: what the Secret holds.

use std::sync::Arc;

use russh::keys::{Algorithm, PrivateKey, decode_secret_key};
use secrecy::SecretString;

use crate::source::{Material, Reference, SourceError};

/// Key of the Secret with a password.
const PASSWORD: &str = "password";
/// Key of the Secret with a private key.
const PRIVATE_KEY: &str = "privateKey";
/// Key of the Secret with what the private key is encrypted with.
const PASSPHRASE: &str = "passphrase";

/// How the account signs in.
#[derive(Clone)]
pub enum Credentials {
    /// With a password.
    Password(SecretString),
    /// With a key (RFC 4252 section 7).
    Key(Arc<PrivateKey>),
}

impl Credentials {
    /// Takes the password or the key out of a Secret.
    ///
    /// # Errors
    /// [`crate::source::Class::Misconfigured`] that names the Secret and its key.
    pub fn of(from: &Reference, material: &Material) -> Result<Self, SourceError> {
        let has = |key| material.get(from, key).is_some();
        match (has(PASSWORD), has(PRIVATE_KEY)) {
            (false, true) => Self::private_key(from, material),
            (true, false) => {
                let password = material.require_text(from, PASSWORD)?;
                if password.is_empty() {
                    return Err(SourceError::misconfigured(format!(
                        "{from} key '{PASSWORD}' is empty; write the account's password there"
                    )));
                }
                Ok(Self::Password(SecretString::from(password.to_owned())))
            }
            (both, _) => Err(SourceError::misconfigured(format!(
                "{from} has {} '{PASSWORD}' {} '{PRIVATE_KEY}'; write there the one with which the account signs in",
                if both { "both" } else { "neither" },
                if both { "and" } else { "nor" },
            ))),
        }
    }

    fn private_key(from: &Reference, material: &Material) -> Result<Self, SourceError> {
        let text = material.require_text(from, PRIVATE_KEY)?;
        let passphrase = match material.get(from, PASSPHRASE) {
            Some(_) => Some(material.require_text(from, PASSPHRASE)?),
            None => None,
        };
        let wrong = |why: &str| SourceError::misconfigured(format!("{from} key '{PRIVATE_KEY}' {why}"));
        let rsa = "is an RSA key, which is not supported; make an Ed25519 key (ssh-keygen -t ed25519) and have it \
                   allowed on the server";
        let key = decode_secret_key(text, passphrase).map_err(|error| match error {
            russh::keys::Error::UnsupportedKeyType { .. } => wrong(rsa),
            // An encrypted key that is read without a passphrase fails as one that is read with a wrong one.
            russh::keys::Error::KeyIsEncrypted => wrong("is encrypted; add the key 'passphrase' to the Secret"),
            _ if passphrase.is_some() => wrong(
                "cannot be read with the Secret's 'passphrase'; correct that, or write the key again (OpenSSH or \
                 PKCS#8 PEM)",
            ),
            _ => wrong("is not a private key in OpenSSH or PKCS#8 PEM form; write it again, as ssh-keygen makes it"),
        })?;
        match key.algorithm() {
            Algorithm::Ed25519 | Algorithm::Ecdsa { .. } => Ok(Self::Key(Arc::new(key))),
            Algorithm::Rsa { .. } => Err(wrong(rsa)),
            _ => {
                Err(wrong("is of a kind that is not supported; make an Ed25519 key (ssh-keygen -t ed25519)"))
            }
        }
    }
}
