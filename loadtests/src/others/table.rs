//! The comparison for people. Pure.

use std::fmt::Write as _;

use super::{Origin, Peer};

/// A line for each, with the units in the head.
pub fn table(peers: &[Peer]) -> String {
    let wide = peers.iter().map(|peer| peer.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{:wide$} {:>10} {:>9} {:>10} {:>10} {:>10} {:>10} {:>9}",
        "", "requests", "steady/s", "cold 10 s", "seats", "CPU s", "GiB", "too much"
    );
    for peer in peers {
        let origin = match peer.origin {
            Origin::Measured => "measured",
            Origin::Unmeasured => "unmeasured",
        };
        let exceeds = peer.exceeds_at.map_or_else(|| "never".to_owned(), |nodes| nodes.to_string());
        let _ = writeln!(
            text,
            "{:wide$} {origin:>10} {:>9.1} {:>10.0} {:>10.0} {:>10.1} {:>10.2} {exceeds:>9}",
            peer.name,
            peer.steady_rps,
            peer.cold_10s_requests,
            peer.cold_seats,
            peer.cold_cpu_s,
            peer.cold_bytes / f64::from(1_u32 << 30),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_whether_its_requests_were_measured_and_from_which_size_on_it_is_too_much() {
        let peer = Peer {
            name: "one",
            origin: Origin::Unmeasured,
            steady_rps: 1.25,
            cold_10s_requests: 10.0,
            cold_seats: 20.0,
            cold_cpu_s: 0.5,
            cold_bytes: f64::from(1_u32 << 30),
            exceeds_at: Some(321),
        };
        let text = table(&[peer, Peer { origin: Origin::Measured, exceeds_at: None, ..peer }]);
        let lines: Vec<Vec<_>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["one", "unmeasured", "1.2", "10", "20", "0.5", "1.00", "321"]);
        assert_eq!((lines[2][1], lines[2][7]), ("measured", "never"));
    }
}
