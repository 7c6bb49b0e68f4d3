//! What the demo claims, and whether it was so: what it saw, as plain data, and what follows. Pure.

use std::time::Duration;

/// What a demo saw. A claim that needs a part of the story that was not told is not made.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    /// The fullest window of the server's count, and what was declared for one.
    pub(super) worst: (u64, u64),
    /// How often the agent reads this machine.
    pub(super) interval: Duration,
    /// The longest time without a new sample of this machine while the API server was away.
    pub(super) silence: Option<Duration>,
    /// How long after the pause file the last request of the agent reached the server, if any came; none before it was made.
    pub(super) after_pause: Option<Duration>,
    /// Whether the agent's watch was open before the server was killed, and again at the end.
    pub(super) watched: [Option<bool>; 2],
    /// Requests of this machine's agent in its own books, answered and unanswered, and as the server counted them.
    pub(super) books: Option<(u64, u64, u64)>,
}

/// How soon a pause has to hold.
const PAUSE: Duration = Duration::from_secs(1);

impl Seen {
    /// Each claim, and whether it held.
    pub(super) fn claims(&self) -> Vec<(String, bool)> {
        let (worst, ceiling) = self.worst;
        let mut claims = vec![(
            format!("the fullest 10 s held {worst} requests of {ceiling} declared (the server's count)"),
            worst <= ceiling,
        )];
        if let Some(open) = self.watched[0] {
            claims.push((format!("the shared watch {} before the API server was killed", is(open)), open));
        }
        if let Some(silence) = self.silence {
            // One late sample is the machine's doing; two are a gap.
            let limit = self.interval * 2 + Duration::from_secs(1);
            let text = format!(
                "without an API server this machine's metrics came at most {:.1} s apart (read every {:.1} s)",
                silence.as_secs_f64(),
                self.interval.as_secs_f64()
            );
            claims.push((text, silence <= limit));
        }
        if let Some(after) = self.after_pause {
            let text = format!("the last request came {:.2} s after the pause file", after.as_secs_f64());
            claims.push((text, after <= PAUSE));
        }
        if let Some(open) = self.watched[1] {
            claims.push((format!("the shared watch {} again at the end", is(open)), open));
        }
        if let Some((answered, unanswered, counted)) = self.books {
            let text = format!(
                "the agent's own books say {answered} requests and {unanswered} without an answer, the server counted {counted}"
            );
            claims.push((text, (answered..=answered + unanswered).contains(&counted)));
        }
        claims
    }
}

const fn is(open: bool) -> &'static str {
    if open { "was open" } else { "was NOT open" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_claim_is_made_only_where_it_was_seen_and_fails_alone() {
        let good = Seen {
            worst: (100, 500),
            interval: Duration::from_secs(2),
            silence: Some(Duration::from_secs(3)),
            after_pause: Some(Duration::ZERO),
            watched: [Some(true); 2],
            books: Some((7, 2, 8)),
        };
        assert!(good.claims().iter().all(|(_, held)| *held) && good.claims().len() == 6);
        let short = Seen { worst: (1, 2), ..Seen::default() };
        assert_eq!(short.claims().len(), 1);
        let broken = [
            Seen { worst: (501, 500), ..good.clone() },
            Seen { silence: Some(Duration::from_secs(6)), ..good.clone() },
            Seen { after_pause: Some(Duration::from_millis(1_001)), ..good.clone() },
            Seen { watched: [Some(true), Some(false)], ..good.clone() },
            Seen { books: Some((7, 2, 10)), ..good.clone() },
            Seen { books: Some((7, 2, 6)), ..good },
        ];
        for seen in broken {
            let failed = seen.claims().iter().filter(|(_, held)| !held).count();
            assert_eq!(failed, 1, "{seen:?}");
        }
    }
}
