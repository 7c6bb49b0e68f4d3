//! Which proxy stands between an output and its backend: the usual variables of the environment, as data.
//!
//! Pure: whoever calls says what the environment holds. The meaning is that of Go's `net/http` and of gRPC for
//! Go, because tare takes the place of a program written in Go: a name may change, the way out must not.
//! - `HTTPS_PROXY` is for https, and for gRPC always; `HTTP_PROXY` for http. `ALL_PROXY`, which Go does not
//!   know, stands in for either where it is not set. Lower case counts where upper case is not set or empty.
//!   (curl reads `http_proxy` in lower case only, because a web server hands a request's header `Proxy` to
//!   CGI programs as `HTTP_PROXY`; nobody starts tare as one.)
//! - `NO_PROXY` lists what is reached without one: see [`exceptions`]. `localhost` and loopback addresses
//!   always are: behind a proxy they are another machine.
//!
//! A variable that names no usable proxy is an error, never silently a way around it.
//! hyper-util's matcher knows no ports in `NO_PROXY`, no `*` for addresses, and takes a wrong URL for none.

use http::HeaderValue;

use crate::encoding::{base64_encode, percent_decode};
use crate::endpoint::{self, Endpoint};

pub(crate) mod exceptions;
#[cfg(test)]
mod tests;
pub(crate) mod tunnel;

use self::exceptions::Exceptions;

/// A variable of the environment that names no usable proxy. The text holds no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {what}")]
pub struct Error {
    /// Its name, as it was found.
    pub variable: &'static str,
    /// What is wrong with it.
    pub what: String,
}

/// The proxies for each kind of backend, and who is reached without one. It holds credentials, which neither
/// `Debug` nor any text shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// For http, except gRPC.
    http: Option<Server>,
    /// For https, and for gRPC.
    https: Option<Server>,
    exceptions: Exceptions,
}

/// One proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// TLS is spoken with the proxy itself.
    pub(crate) secure: bool,
    /// Name or address, an IPv6 address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of `Proxy-Authorization`.
    pub(crate) authorization: Option<HeaderValue>,
    /// For people: the URL without credentials.
    pub(crate) shown: String,
}

/// Reads the variables; `lookup` gives the value of one, if it is set. None where none names a proxy.
///
/// # Errors
/// A variable whose value is no `http://` or `https://` URL with a host. Other kinds of proxy (SOCKS) are not
/// spoken.
pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>, Error> {
    let http = first(&lookup, ["HTTP_PROXY", "http_proxy"])?;
    let https = first(&lookup, ["HTTPS_PROXY", "https_proxy"])?;
    // It may name a kind of proxy that is not spoken: not looked at where it is not used.
    let all =
        if http.is_none() || https.is_none() { first(&lookup, ["ALL_PROXY", "all_proxy"])? } else { None };
    let (http, https) = (http.or_else(|| all.clone()), https.or(all));
    if http.is_none() && https.is_none() {
        return Ok(None);
    }
    let list = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| set(&lookup, name));
    let exceptions = Exceptions::parse(&list.unwrap_or_default());
    Ok(Some(Proxy { http, https, exceptions }))
}

/// The value of a variable that is set and not empty.
fn set(lookup: &impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    lookup(name).filter(|value| !value.trim().is_empty())
}

/// The proxy that the first of these variables names.
fn first(
    lookup: &impl Fn(&str) -> Option<String>,
    names: [&'static str; 2],
) -> Result<Option<Server>, Error> {
    for variable in names {
        if let Some(value) = set(lookup, variable) {
            let server = Server::parse(&value).map_err(|what| Error { variable, what })?;
            return Ok(Some(server));
        }
    }
    Ok(None)
}

impl Proxy {
    /// The proxy on the way to `endpoint`, if there is one.
    pub(crate) fn server(&self, endpoint: &Endpoint, grpc: bool) -> Option<&Server> {
        if self.exceptions.hold(&endpoint.host, endpoint.port) {
            return None;
        }
        if endpoint.secure || grpc { self.https.as_ref() } else { self.http.as_ref() }
    }
}

impl Server {
    /// Reads a URL, or host and port alone, which means http. What is wrong otherwise.
    fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.trim().split_once("://").unwrap_or(("http", url.trim()));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (credentials, place) = match authority.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, authority),
        };
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err("only http:// and https:// proxies are spoken to".to_owned());
        }
        let parsed = Endpoint::parse(&format!("{scheme}://{place}")).map_err(|error| match error {
            endpoint::Error::Endpoint(what) => what,
            other => other.to_string(),
        });
        let Endpoint { secure, host, port, mut shown, .. } = parsed?;
        shown.truncate(shown.trim_end_matches('/').len());
        Ok(Self { secure, host, port, authorization: credentials.map(basic).transpose()?, shown })
    }
}

/// `Proxy-Authorization` for the credentials of a URL (RFC 7617).
fn basic(credentials: &str) -> Result<HeaderValue, String> {
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let mut plain = percent_decode(user.as_bytes());
    plain.push(b':');
    plain.extend(percent_decode(password.as_bytes()));
    let mut value = HeaderValue::try_from(format!("Basic {}", base64_encode(&plain)))
        .map_err(|_| "its credentials cannot be sent".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}
