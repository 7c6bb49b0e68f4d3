//! The headers (over gRPC: the metadata) of every request, some of them from files that rotate.
//!
//! A file is read before each exchange, which is as seldom as a scrape. While it cannot be read or holds
//! nothing that can be sent, its last good value stays in use: a writer caught in the middle costs nothing.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use http::header::{HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue};

use crate::endpoint::Error;

#[cfg(test)]
mod tests;

/// The largest header file that is read, in bytes: the bound that most servers put on all headers.
const MAX_FILE: u64 = 16 << 10;

/// Headers that a transport sets itself; another value would make a request that says something false.
const OWN: [HeaderName; 10] = [
    http::header::HOST,
    http::header::CONTENT_TYPE,
    http::header::CONTENT_ENCODING,
    http::header::CONTENT_LENGTH,
    http::header::TRANSFER_ENCODING,
    http::header::ACCEPT_ENCODING,
    http::header::CONNECTION,
    http::header::UPGRADE,
    http::header::EXPECT,
    http::header::TE,
];

/// What each request carries.
#[derive(Debug)]
pub(crate) struct Headers {
    map: HeaderMap,
    files: Vec<(HeaderName, PathBuf)>,
}

impl Headers {
    /// Checks the configured headers, reads those from files, and adds `User-Agent`, unless they have one.
    pub(crate) fn new(given: &[(String, String)], files: &[(String, PathBuf)]) -> Result<Self, Error> {
        let mut map = HeaderMap::new();
        for (given, value) in given {
            let name = name(given)?;
            let value = value_of(value).ok_or_else(|| wrong(given, "its value cannot be sent"))?;
            map.append(name, value);
        }
        let mut from_files = Vec::new();
        for (given, path) in files {
            let name = name(given)?;
            if map.contains_key(&name) {
                return Err(wrong(given, "is given twice, at least once by a file"));
            }
            let value = read(path).map_err(|what| wrong(given, &format!("{}: {what}", path.display())))?;
            map.insert(name.clone(), value);
            from_files.push((name, path.clone()));
        }
        let agent = HeaderValue::from_static(concat!("tare/", env!("CARGO_PKG_VERSION")));
        map.entry(USER_AGENT).or_insert(agent);
        Ok(Self { map, files: from_files })
    }

    /// Adds what the protocol needs.
    pub(crate) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.map.insert(name, value);
    }

    /// Whether some come from files, so that reading anew can help.
    pub(crate) fn can_change(&self) -> bool {
        !self.files.is_empty()
    }

    /// The headers for one request, those from files as they are now.
    pub(crate) fn current(&mut self) -> &HeaderMap {
        for (name, path) in &self.files {
            if let Ok(value) = read(path) {
                self.map.insert(name.clone(), value);
            }
        }
        &self.map
    }
}

fn wrong(name: &str, what: &str) -> Error {
    Error::Header { name: name.to_owned(), what: what.to_owned() }
}

fn name(given: &str) -> Result<HeaderName, Error> {
    let name: HeaderName = given.parse().map_err(|_| wrong(given, "not a header name"))?;
    if OWN.contains(&name) || name.as_str().starts_with("grpc-") {
        return Err(wrong(given, "is set by tare and cannot be changed"));
    }
    Ok(name)
}

/// Any value may be a token: it must not be printed with the request.
fn value_of(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The content of a file without the white space around it.
fn read(path: &Path) -> Result<HeaderValue, String> {
    let mut content = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_FILE + 1).read_to_string(&mut content).map_err(|error| error.to_string())?;
    if content.len() as u64 > MAX_FILE {
        return Err(format!("larger than {MAX_FILE} bytes"));
    }
    let value = content.trim();
    if value.is_empty() {
        return Err("holds nothing".to_owned());
    }
    value_of(value).ok_or_else(|| "its content cannot be sent".to_owned())
}
