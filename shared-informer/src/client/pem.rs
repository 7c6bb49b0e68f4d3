//! Small files and what PEM texts hold.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::server::Error;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// A small file.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {MAX_FILE} bytes")));
    }
    Ok(content)
}

/// All certificates of a PEM text, at least one; `from` says where it stood.
pub(super) fn certificates(text: &[u8], from: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let wrong = |what: String| Error::Content { from: from.to_owned(), what };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let found = found.map_err(|error| wrong(format!("not PEM: {error}")))?;
    if found.is_empty() { Err(wrong("holds no certificate".to_owned())) } else { Ok(found) }
}

/// The first private key of a PEM text.
pub(super) fn key(text: &[u8], from: &str) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| Error::Content {
        from: from.to_owned(),
        what: format!("holds no private key in PEM: {error}"),
    })
}
