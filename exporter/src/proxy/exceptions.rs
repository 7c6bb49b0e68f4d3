//! `NO_PROXY`: what is reached without a proxy. Pure; no name is resolved to find out.
//!
//! Entries stand between commas or spaces; each may end in `:port` and then holds for that port alone:
//! - `*`: everything, also among other entries;
//! - `example.com`: this name and every name below it; `.example.com` or `*.example.com`: only those below;
//! - `10.1.2.3`, `fd00::1`, `[fd00::1]:4318`: this address;
//! - `10.0.0.0/8`, `fd00::/8`: an address in this network (without a port).
//!
//! Addresses and networks hold for an endpoint that is written as an address. What is none of these holds for
//! nothing.

use std::net::IpAddr;

/// A parsed list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Exceptions(Vec<Exception>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Exception {
    hosts: Hosts,
    /// None for every port.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    /// Addresses that begin with so many bits of this one.
    Network(IpAddr, u8),
    /// A name in lower case; `itself` unless it holds only for those below it.
    Domain {
        name: String,
        itself: bool,
    },
}

impl Exceptions {
    pub(crate) fn parse(list: &str) -> Self {
        let entries = list.split([',', ' ', '\t', '\n']).filter(|entry| !entry.is_empty());
        Self(entries.filter_map(Exception::parse).collect())
    }

    /// Whether `host`, a name or an address without brackets, is reached without a proxy at `port`.
    pub(crate) fn hold(&self, host: &str, port: u16) -> bool {
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let address = name.parse().ok().map(|address: IpAddr| address.to_canonical());
        if name == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        let matches = |exception: &Exception| match &exception.hosts {
            Hosts::All => true,
            Hosts::Network(network, bits) => address.is_some_and(|address| within(address, *network, *bits)),
            Hosts::Domain { name: domain, itself } => {
                let before = name.strip_suffix(&**domain).filter(|_| address.is_none());
                before.is_some_and(|before| if before.is_empty() { *itself } else { before.ends_with('.') })
            }
        };
        self.0.iter().any(|exception| exception.port.is_none_or(|only| only == port) && matches(exception))
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        if let Some((address, bits)) = entry.split_once('/') {
            let (address, bits): (IpAddr, u8) = (address.parse().ok()?, bits.parse().ok()?);
            let most = if address.is_ipv4() { 32 } else { 128 };
            return (bits <= most).then_some(Self { hosts: Hosts::Network(address, bits), port: None });
        }
        let (host, port) = split(entry)?;
        let hosts = if host == "*" {
            Hosts::All
        } else if let Ok(address) = host.parse::<IpAddr>() {
            let address = address.to_canonical();
            Hosts::Network(address, if address.is_ipv4() { 32 } else { 128 })
        } else {
            let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
            let below = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
            let (name, itself) = (below.unwrap_or(&host).to_owned(), below.is_none());
            if name.is_empty() {
                return None;
            }
            Hosts::Domain { name, itself }
        };
        Some(Self { hosts, port })
    }
}

/// Host without brackets, and port if there is one; none where the port is no port.
fn split(entry: &str) -> Option<(&str, Option<u16>)> {
    let port = |text: &str| text.parse().ok().map(Some);
    if let Some(rest) = entry.strip_prefix('[') {
        let (host, behind) = rest.split_once(']')?;
        return match behind.strip_prefix(':') {
            Some(text) => Some((host, port(text)?)),
            None => behind.is_empty().then_some((host, None)),
        };
    }
    match entry.split_once(':') {
        // More than one colon: an IPv6 address without brackets.
        Some((_, behind)) if behind.contains(':') => Some((entry, None)),
        Some((host, text)) => Some((host, port(text)?)),
        None => Some((entry, None)),
    }
}

/// Whether two addresses of one family begin with the same bits.
fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let differing = one.to_bits() ^ other.to_bits();
            differing.leading_zeros() >= u32::from(bits)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let differing = one.to_bits() ^ other.to_bits();
            differing.leading_zeros() >= u32::from(bits)
        }
        _ => false,
    }
}
