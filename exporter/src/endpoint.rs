//! Where requests go, for either protocol, checked before anything is sent.

use std::io;

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

use crate::tls;

#[cfg(test)]
mod tests;

/// An endpoint, headers or TLS settings that cannot work. The text holds no header's value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The endpoint is no URL to which a request can be sent.
    #[error("endpoint: {0}")]
    Endpoint(String),
    /// A header cannot be sent.
    #[error("header {name:?}: {what}")]
    Header {
        /// The header as it was given.
        name: String,
        /// What is wrong with it; never its value.
        what: String,
    },
    /// TLS cannot work.
    #[error("tls: {0}")]
    Tls(#[from] tls::Error),
    /// The thread that writes to standard output.
    #[error("cannot start the thread that writes: {0}")]
    Thread(io::Error),
}

/// A parsed endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// https or http.
    pub(crate) secure: bool,
    /// Name or address, an IPv6 address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of the header `Host`.
    pub(crate) authority: HeaderValue,
    /// Path and query, as the request line has them.
    pub(crate) path: Uri,
    /// For people: the URL without its query, which may hold a secret.
    pub(crate) shown: String,
}

impl Endpoint {
    /// Reads the endpoint of a gRPC service: https unless it says otherwise, and without a path, because
    /// the path is the method's.
    pub(crate) fn parse_grpc(endpoint: &str) -> Result<Self, Error> {
        let given = endpoint.trim();
        let url = if given.contains("://") { given.to_owned() } else { format!("https://{given}") };
        let mut parsed = Self::parse(&url)?;
        if parsed.path != "/" {
            let what = "gRPC endpoints have no path, only scheme, host and port".to_owned();
            return Err(Error::Endpoint(what));
        }
        parsed.shown.truncate(parsed.shown.trim_end_matches('/').len());
        Ok(parsed)
    }

    /// The whole URL, for a proxy.
    pub(crate) fn absolute(&self) -> Result<Uri, Error> {
        let Self { secure, authority, path, .. } = self;
        let scheme = if *secure { Scheme::HTTPS } else { Scheme::HTTP };
        let uri =
            Uri::builder().scheme(scheme).authority(authority.as_bytes()).path_and_query(path.to_string());
        uri.build().map_err(|error| Error::Endpoint(error.to_string()))
    }

    /// Reads a full URL, such as `http://localhost:4318/v1/metrics`. The path is used as it is.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::Endpoint(what.to_owned());
        let uri: Uri = url.trim().parse().map_err(|error| Error::Endpoint(format!("not a URL: {error}")))?;
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(_) => return Err(wrong("only http:// and https:// can be sent to")),
            None => return Err(wrong("needs http:// or https:// in front")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("needs a host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("credentials belong in a header (authorization), not in the URL"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong("needs a host"));
        }
        // `port_u16` answers none for a port that is not a number as well.
        let given = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let port = match (given, authority.port_u16()) {
            ("", _) => {
                if secure {
                    443
                } else {
                    80
                }
            }
            (_, Some(port)) if port != 0 => port,
            _ => return Err(wrong("the port must be a number from 1 to 65535")),
        };
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let shown = format!("{}://{authority}{}", if secure { "https" } else { "http" }, path.path());
        Ok(Self {
            secure,
            host: host.to_owned(),
            port,
            authority: HeaderValue::from_str(authority.as_str())
                .map_err(|_| wrong("the host cannot be sent as a header"))?,
            path: Uri::from(path),
            shown,
        })
    }
}
