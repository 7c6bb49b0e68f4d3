//! Addresses and headers of OTLP receivers. The value of a header may be a secret: no message, no debug output
//! and no printed configuration carries it.

use std::fmt;

use http::Uri;
use http::header::{self, HeaderName, HeaderValue};
use http::uri::PathAndQuery;

use super::Protocol;
use crate::config::report::quote;
use crate::config::schema::Scalar;

/// What `print-config` shows instead of a header's value.
pub const REDACTED: &str = "[redacted]";
/// What the specification appends to a base address.
const SIGNAL_PATH: &str = "v1/metrics";

/// An address as it was written: a URL, or for gRPC a host and a port alone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Address {
    /// With the scheme `https` where none was written.
    uri: Uri,
    has_scheme: bool,
}

/// The address of a receiver, to which `/v1/metrics` is appended over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Address);

/// The address to which requests are sent as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalUrl(Address);

impl Address {
    fn parse(text: &str) -> Result<Self, String> {
        let has_scheme = text.starts_with("http://") || text.starts_with("https://");
        if has_scheme {
            return parse_url(text).map(|uri| Self { uri, has_scheme });
        }
        let is_authority = !text.is_empty() && !text.contains(['/', '?', '#', '@', ' ']);
        let uri = is_authority.then(|| parse_url(&format!("https://{text}")).ok()).flatten();
        uri.map(|uri| Self { uri, has_scheme }).ok_or_else(|| no_scheme(text))
    }

    fn print(&self) -> String {
        let text = self.uri.to_string();
        if self.has_scheme {
            return text;
        }
        text.trim_start_matches("https://").trim_end_matches('/').to_owned()
    }

    /// Where gRPC connects to.
    fn grpc(&self, insecure: bool) -> Result<Uri, String> {
        if !matches!(self.uri.path_and_query().map(PathAndQuery::as_str), None | Some("" | "/")) {
            return Err(
                "has a path or a query, which grpc cannot use; give scheme, host and port only".to_owned()
            );
        }
        if self.has_scheme || !insecure {
            return Ok(self.uri.clone());
        }
        format!("http://{}", self.print()).parse().map_err(|_| "is no valid URL".to_owned())
    }

    fn http(&self) -> Result<Uri, String> {
        if self.has_scheme { Ok(self.uri.clone()) } else { Err(no_scheme(&self.print())) }
    }
}

impl BaseUrl {
    /// The default of the specification.
    pub fn localhost(protocol: Protocol) -> Self {
        let uri = Uri::from_static(match protocol {
            Protocol::HttpProtobuf => "http://localhost:4318",
            Protocol::Grpc => "http://localhost:4317",
        });
        Self(Address { uri, has_scheme: true })
    }

    /// Where requests go over `protocol`: over HTTP with the signal's path.
    ///
    /// # Errors
    /// What the protocol cannot use of the address, or misses in it.
    pub fn target(&self, protocol: Protocol, insecure: bool) -> Result<Uri, String> {
        let base = match protocol {
            Protocol::Grpc => return self.0.grpc(insecure),
            Protocol::HttpProtobuf => self.0.http()?,
        };
        let text = format!("{}/{SIGNAL_PATH}", base.to_string().trim_end_matches('/'));
        // A valid address without a query stays valid with a longer path; if not, requests fail visibly.
        Ok(text.parse().unwrap_or(base))
    }

    /// Whether the address says if TLS is used.
    pub fn has_scheme(&self) -> bool {
        self.0.has_scheme
    }
}

impl SignalUrl {
    /// Where requests go over `protocol`.
    ///
    /// # Errors
    /// What the protocol cannot use of the address, or misses in it.
    pub fn target(&self, protocol: Protocol, insecure: bool) -> Result<Uri, String> {
        match protocol {
            Protocol::Grpc => self.0.grpc(insecure),
            Protocol::HttpProtobuf => self.0.http(),
        }
    }

    /// Whether the address says if TLS is used.
    pub fn has_scheme(&self) -> bool {
        self.0.has_scheme
    }
}

impl Scalar for BaseUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let address = Address::parse(text)?;
        if address.uri.query().is_some() {
            return Err("has a query, behind which /v1/metrics cannot be appended; use metrics_endpoint or \
                        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, which are used as they stand"
                .to_owned());
        }
        Ok(Self(address))
    }

    fn print(&self) -> String {
        self.0.print()
    }

    fn kind() -> String {
        "a URL like http://localhost:4318".to_owned()
    }
}

impl Scalar for SignalUrl {
    fn parse(text: &str) -> Result<Self, String> {
        Address::parse(text).map(Self)
    }

    fn print(&self) -> String {
        self.0.print()
    }

    fn kind() -> String {
        "a URL like http://localhost:4318/v1/metrics".to_owned()
    }
}

fn no_scheme(text: &str) -> String {
    // What stands before an "@" may be a password.
    let shown = if text.contains('@') { String::new() } else { format!(", found {}", quote(text)) };
    format!("expected a URL that starts with http:// or https://{shown}")
}

/// Reads a URL with a scheme.
fn parse_url(text: &str) -> Result<Uri, String> {
    let (_, rest) = text.split_once("://").ok_or_else(|| no_scheme(text))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("has a user or password in it; send credentials as a header".to_owned());
    }
    if text.contains('#') {
        return Err("has a fragment (#...), which is never sent".to_owned());
    }
    let wrong = || {
        let shown = if text.contains('@') { String::new() } else { format!(": {}", quote(text)) };
        format!("is no valid URL{shown}")
    };
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let port_is_number =
        authority.rsplit_once(':').is_none_or(|(_, port)| port.ends_with(']') || uri.port().is_some());
    match uri.host() {
        Some(host) if !host.is_empty() && port_is_number && uri.port_u16() != Some(0) => Ok(uri),
        _ => Err(wrong()),
    }
}

/// The name of a header that the user may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserHeader(pub HeaderName);

impl PartialOrd for UserHeader {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UserHeader {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.as_str().cmp(other.0.as_str())
    }
}

impl Scalar for UserHeader {
    fn parse(text: &str) -> Result<Self, String> {
        const OURS: [HeaderName; 10] = [
            header::ACCEPT_ENCODING,
            header::CONNECTION,
            header::CONTENT_ENCODING,
            header::CONTENT_LENGTH,
            header::CONTENT_TYPE,
            header::EXPECT,
            header::HOST,
            header::TE,
            header::TRANSFER_ENCODING,
            header::UPGRADE,
        ];
        let name: HeaderName = text.parse().map_err(|_| "not the name of a header".to_owned())?;
        if OURS.contains(&name) || name.as_str().starts_with("grpc-") {
            return Err(format!("the header {name} is set by tare itself"));
        }
        Ok(Self(name))
    }

    fn print(&self) -> String {
        self.0.as_str().to_owned()
    }

    fn kind() -> String {
        "name of a header".to_owned()
    }
}

/// The value of a header.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(HeaderValue);

impl Secret {
    /// The value, marked so that its debug output hides it.
    pub fn get(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Scalar for Secret {
    fn parse(text: &str) -> Result<Self, String> {
        let mut value = HeaderValue::from_bytes(text.as_bytes())
            .map_err(|_| "the value has a character that a header cannot carry".to_owned())?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    fn print(&self) -> String {
        REDACTED.to_owned()
    }

    fn kind() -> String {
        "text".to_owned()
    }
}
