//! What is known about the addresses of one name, and what to do about it: without clock, network or file.
//!
//! An answer is used until a newer one comes; how old it is decides only when to ask again, and beyond
//! which age it is given up. Times are since any fixed origin that does not jump; across processes, where
//! there is no such origin, an entry is written with the wall clock's time and read back as an age.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use flate2::Crc;

use crate::model::Timestamp;

#[cfg(test)]
mod tests;

/// The most addresses of one name that are kept.
pub(crate) const MAX_ADDRESSES: usize = 8;
/// What a written entry begins with; the last byte is the version.
const MAGIC: &[u8; 8] = b"tareDNS\x01";
/// The largest written entry: a name has at most 253 bytes.
const MAX_ENCODED: usize = 512;

/// When to ask, and how long to live on an old answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The least time between two questions, whatever the time to live of an answer, and the wait after a
    /// first failure.
    pub min_refresh: Duration,
    /// The longest time until the next question, whatever the time to live.
    pub max_refresh: Duration,
    /// How long an answer is used while no newer one can be had.
    pub max_age: Duration,
}

impl Default for Limits {
    /// Every 5 seconds to 5 minutes; old answers for a week.
    fn default() -> Self {
        Self {
            min_refresh: Duration::from_secs(5),
            max_refresh: Duration::from_mins(5),
            max_age: Duration::from_hours(7 * 24),
        }
    }
}

/// A good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// In the order in which they are tried.
    pub(crate) addresses: Vec<IpAddr>,
    /// The smallest time to live among them.
    pub(crate) ttl: Duration,
}

/// What is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cache {
    good: Option<Good>,
    /// When to ask (again).
    due: Duration,
    /// When the last question was answered or failed.
    asked: Option<Duration>,
    /// Failures since the last good answer.
    failures: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Good {
    addresses: Vec<IpAddr>,
    /// When it came, and how old it was then (an entry from a file comes with its age).
    since: Duration,
    older: Duration,
    /// From this age on it is stale.
    fresh_for: Duration,
}

impl Cache {
    /// A question was answered. Whether the set of addresses is another one.
    pub(crate) fn answered(&mut self, answer: Answer, now: Duration, limits: &Limits) -> bool {
        let Answer { mut addresses, ttl } = answer;
        addresses.truncate(MAX_ADDRESSES);
        let changed = !same(self.all(), &addresses);
        let wait = ttl.max(limits.min_refresh).min(limits.max_refresh);
        self.good = Some(Good { addresses, since: now, older: Duration::ZERO, fresh_for: wait });
        self.due = now.saturating_add(wait);
        self.asked = Some(now);
        self.failures = 0;
        changed
    }

    /// A question failed: ask again later, and later with each failure.
    pub(crate) fn failed(&mut self, now: Duration, limits: &Limits) {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let wait = limits.min_refresh.saturating_mul(factor).min(limits.max_refresh);
        self.failures = self.failures.saturating_add(1);
        self.due = now.saturating_add(wait);
        self.asked = Some(now);
    }

    /// No address could be connected to: ask again as soon as that is allowed.
    pub(crate) fn distrust(&mut self, now: Duration, limits: &Limits) {
        let allowed = self.asked.map_or(now, |asked| asked.saturating_add(limits.min_refresh));
        self.due = self.due.min(allowed.max(now));
    }

    /// When to ask next.
    pub(crate) const fn due(&self) -> Duration {
        self.due
    }

    /// The addresses to use now; none if there never were any, or if they are too old to be used.
    pub(crate) fn usable(&self, now: Duration, limits: &Limits) -> &[IpAddr] {
        match self.age(now) {
            Some(age) if age <= limits.max_age => self.all(),
            _ => &[],
        }
    }

    /// For how long the addresses have been stale: past their time to live, without a newer answer. Zero
    /// while they are fresh or unknown.
    pub(crate) fn stale_for(&self, now: Duration) -> Duration {
        let fresh_for = self.good.as_ref().map_or(Duration::ZERO, |good| good.fresh_for);
        self.age(now).unwrap_or_default().saturating_sub(fresh_for)
    }

    fn all(&self) -> &[IpAddr] {
        self.good.as_ref().map_or(&[], |good| &good.addresses)
    }

    fn age(&self, now: Duration) -> Option<Duration> {
        let good = self.good.as_ref()?;
        Some(now.saturating_sub(good.since).saturating_add(good.older))
    }

    /// The good answer as bytes for a file; none if there is none. `wall` is the wall clock's time at `now`.
    pub(crate) fn encode(&self, host: &str, now: Duration, wall: Timestamp) -> Option<Vec<u8>> {
        let good = self.good.as_ref()?;
        let nanos = u64::try_from(self.age(now)?.as_nanos()).unwrap_or(u64::MAX);
        let mut out = MAGIC.to_vec();
        out.push(u8::try_from(host.len()).ok()?);
        out.extend_from_slice(host.as_bytes());
        out.extend_from_slice(&wall.0.saturating_sub(nanos).to_le_bytes());
        for address in good.addresses.iter().take(MAX_ADDRESSES) {
            match address {
                IpAddr::V4(address) => {
                    out.push(4);
                    out.extend_from_slice(&address.octets());
                }
                IpAddr::V6(address) => {
                    out.push(6);
                    out.extend_from_slice(&address.octets());
                }
            }
        }
        let sum = checksum(&out);
        out.extend_from_slice(&sum);
        Some(out)
    }

    /// Reads what [`Cache::encode`] wrote for the same name: stale from the start, and asked about at once.
    /// None if it is anything else or damaged.
    pub(crate) fn decode(bytes: &[u8], host: &str, now: Duration, wall: Timestamp) -> Option<Self> {
        if bytes.len() > MAX_ENCODED {
            return None;
        }
        let (content, sum) = bytes.split_last_chunk::<4>()?;
        if checksum(content) != *sum {
            return None;
        }
        let (length, rest) = content.strip_prefix(MAGIC)?.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*length))?;
        let (since, mut rest) = rest.split_first_chunk::<8>()?;
        if name != host.as_bytes() {
            return None;
        }
        let mut addresses = Vec::new();
        while let Some((kind, behind)) = rest.split_first() {
            let address;
            (address, rest) = match kind {
                4 => behind.split_first_chunk().map(|(four, rest)| (Ipv4Addr::from(*four).into(), rest))?,
                6 => behind
                    .split_first_chunk::<16>()
                    .map(|(sixteen, rest)| (Ipv6Addr::from(*sixteen).into(), rest))?,
                _ => return None,
            };
            addresses.push(address);
        }
        if addresses.is_empty() || addresses.len() > MAX_ADDRESSES || !addresses.iter().all(is_usable) {
            return None;
        }
        // A clock that went back makes it younger, never older.
        let older = Duration::from_nanos(wall.0.saturating_sub(u64::from_le_bytes(*since)));
        let good = Good { addresses, since: now, older, fresh_for: Duration::ZERO };
        Some(Self { good: Some(good), due: now, asked: None, failures: 0 })
    }
}

/// Whether a backend can be at this address. Name servers that block names answer with others.
pub(crate) fn is_usable(address: &IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !address.is_unspecified() && !address.is_multicast() && !broadcast
}

/// Whether two answers hold the same addresses: servers rotate them.
fn same(one: &[IpAddr], other: &[IpAddr]) -> bool {
    one.len() == other.len() && one.iter().all(|address| other.contains(address))
}

/// CRC-32 as gzip has it.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}
