//! The credential and whom to trust, as their files say at this moment.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use http::HeaderValue;
use rustls::ClientConfig;

use super::Trouble;
use crate::kubelet::settings::{Credential, Settings, Trust};
use crate::kubelet::tls::{self, Identity, Trusted};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What was read, and what was made of it.
pub(super) struct Files {
    read: Read,
    token: Option<HeaderValue>,
    tls: Option<Arc<ClientConfig>>,
}

/// The bytes.
#[derive(PartialEq, Eq)]
struct Read {
    trusted: Option<Trusted>,
    identity: Option<Identity>,
    token: Option<Vec<u8>>,
}

impl Files {
    /// Reads the files; what was made of them before is taken over where they have not changed. Answers whether they have.
    pub(super) fn read(settings: &Settings, before: Option<Self>) -> Result<(Self, bool), Trouble> {
        let read = Read::new(settings)?;
        match before {
            Some(before) if before.read == read => Ok((before, false)),
            _ => Ok((Self::new(settings, read)?, true)),
        }
    }

    fn new(settings: &Settings, read: Read) -> Result<Self, Trouble> {
        let tls = read.trusted.as_ref().map(|trusted| tls::config(trusted, read.identity.as_ref()));
        let tls =
            tls.transpose().map_err(|error| Trouble::Credential(format!("{}: {error}", named(settings))))?;
        let token = match (&settings.credential, &read.token) {
            (Credential::Token(path), Some(token)) => Some(bearer(token, path)?),
            _ => None,
        };
        Ok(Self { read, token, tls: tls.map(Arc::new) })
    }

    /// The `Authorization` header.
    pub(super) const fn token(&self) -> Option<&HeaderValue> {
        self.token.as_ref()
    }

    /// TLS; none for plain HTTP.
    pub(super) fn tls(&self) -> Option<Arc<ClientConfig>> {
        self.tls.clone()
    }
}

impl Read {
    fn new(settings: &Settings) -> Result<Self, Trouble> {
        let trusted = match &settings.trust {
            Trust::Plain => None,
            Trust::Authorities(path) => Some(Trusted::Authorities(read(path)?)),
            Trust::Pinned(path) => Some(Trusted::Pinned(read(path)?)),
            Trust::Anyone => Some(Trusted::Anyone),
        };
        let (token, identity) = match &settings.credential {
            Credential::None => (None, None),
            Credential::Token(path) => (Some(read(path)?), None),
            Credential::Certificate { certificate, key } => {
                (None, Some(Identity { certificate: read(certificate)?, key: read(key)? }))
            }
        };
        Ok(Self { trusted, identity, token })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    let failed = |what: String| Trouble::Credential(format!("{}: {what}", path.display()));
    let mut content = Vec::new();
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    file.take(MAX_FILE + 1).read_to_end(&mut content).map_err(|error| failed(error.to_string()))?;
    if content.len() as u64 > MAX_FILE {
        return Err(failed(format!("larger than {MAX_FILE} bytes")));
    }
    Ok(content)
}

fn bearer(token: &[u8], path: &Path) -> Result<HeaderValue, Trouble> {
    let token = token.trim_ascii();
    let header = HeaderValue::from_bytes(&[b"Bearer ", token].concat());
    match header {
        Ok(mut header) if !token.is_empty() => {
            header.set_sensitive(true);
            Ok(header)
        }
        _ => Err(Trouble::Credential(format!("{}: holds no token", path.display()))),
    }
}

/// The files that TLS is made from, for a person.
fn named(settings: &Settings) -> String {
    let trusted = match &settings.trust {
        Trust::Authorities(path) | Trust::Pinned(path) => Some(path),
        Trust::Plain | Trust::Anyone => None,
    };
    let identity = match &settings.credential {
        Credential::Certificate { certificate, key } => [Some(certificate), Some(key)],
        Credential::None | Credential::Token(_) => [None, None],
    };
    let paths = trusted.into_iter().chain(identity.into_iter().flatten());
    paths.map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
