//! Names and addresses of a cluster. They become parts of requests to the API server, so nothing is accepted here
//! that could change what is asked.

use std::net::IpAddr;

use crate::config::report::quote;
use crate::config::schema::Scalar;

/// The name of a Kubernetes object: a DNS subdomain (RFC 1123), at most 253 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName(String);

impl ObjectName {
    /// The name.
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl Scalar for ObjectName {
    fn parse(text: &str) -> Result<Self, String> {
        if text.len() > 253 || !text.split('.').all(is_label) {
            return Err(format!("expected {}, found {}", Self::kind(), quote(text)));
        }
        Ok(Self(text.to_owned()))
    }

    fn print(&self) -> String {
        self.0.clone()
    }

    fn kind() -> String {
        "the name of a Kubernetes object".to_owned()
    }
}

/// Lower-case letters, digits and hyphens, neither first nor last a hyphen.
fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// An address and a port: `10.96.0.1:443`, `[fd00::1]:443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// An IP address without brackets, or a name.
    pub host: String,
    /// The port, not 0.
    pub port: u16,
}

impl Server {
    /// From the two variables that every pod of a cluster has.
    ///
    /// # Errors
    /// What is wrong with which of the two.
    pub fn of_service(host: &str, port: &str) -> Result<Self, String> {
        let literal =
            if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() };
        Self::parse(&format!("{literal}:{port}"))
    }
}

impl Scalar for Server {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected {}, found {}", Self::kind(), quote(text));
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let usable = match bare {
            Some(bare) => bare.parse::<std::net::Ipv6Addr>().is_ok(),
            None => host.len() <= 253 && host.to_ascii_lowercase().split('.').all(is_label),
        };
        if usable { Ok(Self { host: bare.unwrap_or(host).to_owned(), port }) } else { Err(wrong()) }
    }

    fn print(&self) -> String {
        let Self { host, port } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    fn kind() -> String {
        "an address and a port like 10.96.0.1:443".to_owned()
    }
}

impl Scalar for IpAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("expected {}, found {}", <Self as Scalar>::kind(), quote(text)))
    }

    fn print(&self) -> String {
        self.to_string()
    }

    fn kind() -> String {
        "an IP address".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_could_change_a_request_is_a_name() {
        for good in ["a", "ip-10-0-0-1.eu-west-1.compute.internal", "node7", &"a".repeat(253)] {
            assert_eq!(ObjectName::parse(good).map(|name| name.0).as_deref(), Ok(good));
        }
        for bad in ["", "A", "a/b", "a?b", "a b", "a..b", ".a", "-a", "a-", "a,b=c", "..", &"a".repeat(254)] {
            assert!(ObjectName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_server_reads_back_as_it_is_printed_and_is_never_a_path() {
        for text in ["10.96.0.1:443", "[fd00::1]:6443", "api.internal:443"] {
            assert_eq!(Server::parse(text).map(|server| server.print()).as_deref(), Ok(text));
        }
        for bad in [
            "",
            ":443",
            "a",
            "a:0",
            "a:65536",
            "fd00::1:443x",
            "[fd00::1]",
            "[a]:1",
            "a/b:1",
            "u@h:1",
            "h:1/x",
        ] {
            assert!(Server::parse(bad).is_err(), "{bad:?}");
        }
        let of_service = |host, port| Server::of_service(host, port).map(|server| server.print());
        assert_eq!(of_service("fd00::1", "443").as_deref(), Ok("[fd00::1]:443"));
        assert_eq!(of_service("10.0.0.1", "443").as_deref(), Ok("10.0.0.1:443"));
        assert!(of_service("10.0.0.1", "https").is_err());
    }
}
