//! Addresses and headers of OTLP over HTTP. The value of a header may be a secret: no message, no debug output
//! and no printed configuration carries it.

use std::fmt;

use http::Uri;
use http::header::{self, HeaderName, HeaderValue};

use crate::config::report::quote;
use crate::config::schema::Scalar;

/// What `print-config` shows instead of a header's value.
pub const REDACTED: &str = "[redacted]";
/// What the specification appends to a base address.
const SIGNAL_PATH: &str = "v1/metrics";

/// The address of a receiver, to which `/v1/metrics` is appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Uri);

/// The address to which requests are sent as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalUrl(pub Uri);

impl BaseUrl {
    /// The default of the specification.
    pub fn localhost() -> Self {
        Self(Uri::from_static("http://localhost:4318"))
    }

    /// The address with the signal's path.
    pub fn metrics(&self) -> Uri {
        let text = format!("{}/{SIGNAL_PATH}", self.print().trim_end_matches('/'));
        // A valid address without a query stays valid with a longer path; if not, requests fail visibly.
        text.parse().unwrap_or_else(|_| self.0.clone())
    }

    /// Whether TLS is used.
    pub fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

impl Scalar for BaseUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let uri = parse_url(text)?;
        if uri.query().is_some() {
            return Err("has a query, behind which /v1/metrics cannot be appended; use metrics_endpoint or \
                        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, which are used as they stand"
                .to_owned());
        }
        Ok(Self(uri))
    }

    fn print(&self) -> String {
        self.0.to_string()
    }

    fn kind() -> String {
        "a URL like http://localhost:4318".to_owned()
    }
}

impl Scalar for SignalUrl {
    fn parse(text: &str) -> Result<Self, String> {
        parse_url(text).map(Self)
    }

    fn print(&self) -> String {
        self.0.to_string()
    }

    fn kind() -> String {
        "a URL like http://localhost:4318/v1/metrics".to_owned()
    }
}

fn parse_url(text: &str) -> Result<Uri, String> {
    let Some(scheme) = ["http://", "https://"].into_iter().find(|scheme| text.starts_with(scheme)) else {
        // What stands before an "@" may be a password.
        let shown = if text.contains('@') { String::new() } else { format!(", found {}", quote(text)) };
        return Err(format!("expected a URL that starts with http:// or https://{shown}"));
    };
    let authority = text.trim_start_matches(scheme).split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("has a user or password in it; send credentials as a header".to_owned());
    }
    if text.contains('#') {
        return Err("has a fragment (#...), which is never sent".to_owned());
    }
    let wrong = || format!("is no valid URL: {}", quote(text));
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
        const OURS: [HeaderName; 6] = [
            header::CONNECTION,
            header::CONTENT_ENCODING,
            header::CONTENT_LENGTH,
            header::CONTENT_TYPE,
            header::HOST,
            header::TRANSFER_ENCODING,
        ];
        let name: HeaderName = text.parse().map_err(|_| format!("{} is no name of a header", quote(text)))?;
        if OURS.contains(&name) {
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
