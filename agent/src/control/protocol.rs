//! What is said over the socket: one line of JSON asks, one line answers, and the connection is over. Pure.
//!
//! ```text
//! {"ask":"pause","for_s":3600}
//! {"answer":"pause","paused":true,"until":"2026-11-21T14:00:00Z","not_kept":null}
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::pause::Pause;
use super::status::{Health, Status};
use super::switch::Pressed;
use super::time;

/// The longest question, in bytes, the end of the line included.
pub const MAX_REQUEST: usize = 1024;
/// The longest answer, in bytes, the end of the line included.
pub const MAX_ANSWER: usize = 1 << 20;
/// How long one exchange may take, on either side.
pub const TIME_LIMIT: Duration = Duration::from_secs(5);

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How is it going?
    Status,
    /// Stop asking others.
    Pause {
        /// For how long, in seconds; without end if there is none.
        for_s: Option<u64>,
    },
    /// Go on.
    Resume,
    /// A probe.
    Health {
        /// Which.
        probe: Probe,
    },
}

/// What a probe is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// Whether a restart would help: no, as long as there is an answer.
    Live,
    /// Whether it does its work.
    Ready,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Status`].
    Status(Box<Status>),
    /// To [`Request::Pause`] and [`Request::Resume`]: what is in force now.
    Pause {
        /// Whether it is paused.
        paused: bool,
        /// When that ends by itself.
        until: Option<String>,
        /// Why the pause file could not be written or removed.
        not_kept: Option<String>,
    },
    /// To [`Request::Health`].
    Health {
        /// The probe's answer.
        ok: bool,
        /// Why it is no.
        reason: Option<String>,
    },
    /// The question was not understood.
    Refused {
        /// Why.
        reason: String,
    },
}

impl Answer {
    /// The answer to a person who pressed the switch.
    pub fn pressed(pressed: Pressed) -> Self {
        let until = match pressed.pause {
            Pause::Paused { until, .. } => until.map(time::text),
            Pause::Running => None,
        };
        Self::Pause { paused: pressed.pause.is_paused(), until, not_kept: pressed.not_kept }
    }

    /// The answer to a probe.
    pub fn probed(probe: Probe, health: &Health) -> Self {
        let ok = match probe {
            Probe::Live => health.live,
            Probe::Ready => health.ready,
        };
        Self::Health { ok, reason: if ok { None } else { health.reason.clone() } }
    }
}

/// Whoever answers: the agent, or the supervisor while there is no agent.
pub trait Respond: Send + Sync {
    /// The answer. Must not wait for anything.
    fn respond(&self, request: Request) -> Answer;
}

/// From the line that came in to the line that goes out.
pub fn exchange(line: &[u8], responder: &dyn Respond) -> Vec<u8> {
    let answer = match serde_json::from_slice(line) {
        Ok(request) => responder.respond(request),
        Err(error) => Answer::Refused { reason: format!("not understood: {error}") },
    };
    write(&answer).unwrap_or_else(|| {
        let refused = Answer::Refused { reason: "the answer is too long".to_owned() };
        write(&refused).unwrap_or_default()
    })
}

fn write(answer: &Answer) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(answer).ok()?;
    line.push(b'\n');
    (line.len() <= MAX_ANSWER).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;

    impl Respond for Echo {
        fn respond(&self, request: Request) -> Answer {
            let reason = match request {
                Request::Pause { for_s: Some(0) } => "x".repeat(MAX_ANSWER),
                request => format!("{request:?}"),
            };
            Answer::Refused { reason }
        }
    }

    fn said(line: &str) -> String {
        String::from_utf8(exchange(line.as_bytes(), &Echo)).unwrap()
    }

    #[test]
    fn each_question_has_its_line() {
        for (line, request) in [
            (r#"{"ask":"status"}"#, Request::Status),
            (r#"{"ask":"pause","for_s":60}"#, Request::Pause { for_s: Some(60) }),
            (r#"{"ask":"pause"}"#, Request::Pause { for_s: None }),
            (r#"{"ask":"resume"}"#, Request::Resume),
            (r#"{"ask":"health","probe":"live"}"#, Request::Health { probe: Probe::Live }),
            (r#"{"ask":"health","probe":"ready"}"#, Request::Health { probe: Probe::Ready }),
        ] {
            assert_eq!(serde_json::from_str::<Request>(line).unwrap(), request);
            assert!(said(line).contains(&format!("{request:?}")), "{}", said(line));
        }
    }

    #[test]
    fn what_is_no_question_is_refused_in_one_line() {
        for line in ["", "{}", "null", r#"{"ask":"reboot"}"#, r#"{"ask":"pause","for_s":-1}"#, "\u{0}"] {
            let answer = said(line);
            assert!(answer.starts_with(r#"{"answer":"refused""#), "{line}: {answer}");
            assert_eq!(answer.matches('\n').count(), 1);
        }
    }

    #[test]
    fn an_answer_above_the_bound_becomes_a_refusal() {
        let answer = said(r#"{"ask":"pause","for_s":0}"#);
        assert!(answer.len() < 100 && answer.contains("too long"), "{answer}");
    }
}
