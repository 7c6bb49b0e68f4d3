//! What happens in the demo, and when. Pure: time comes in as a parameter.
//!
//! Everything comes up, the API server is killed and comes back, a pause file appears and goes. A demo that is told to be
//! shorter ends earlier in the same story; one that is told nothing goes on after its end until it is asked to stop.

use std::time::Duration;

/// A part of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chapter {
    /// Agents start at once; each waits for its turn.
    Arriving,
    /// Nobody answers at the API server's address.
    Blackout,
    /// It is back; each agent asks again in its turn.
    Returning,
    /// A person has made the agent's pause file.
    Paused,
    /// The file is gone.
    Resumed,
}

/// What the demo does at the beginning of a chapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// The API server is killed.
    Kill,
    /// It is started again.
    Revive,
    /// The pause file is made.
    Pause,
    /// The pause file is removed.
    Resume,
}

/// When each chapter begins, and with what.
const CHAPTERS: [(Duration, Chapter, Option<Act>); 5] = [
    (Duration::ZERO, Chapter::Arriving, None),
    (Duration::from_secs(36), Chapter::Blackout, Some(Act::Kill)),
    (Duration::from_secs(52), Chapter::Returning, Some(Act::Revive)),
    (Duration::from_secs(72), Chapter::Paused, Some(Act::Pause)),
    (Duration::from_secs(80), Chapter::Resumed, Some(Act::Resume)),
];

/// When the story has been told: the agent paused has had a turn to come back in.
pub(super) const LENGTH: Duration = Duration::from_secs(96);

impl Chapter {
    /// The chapter at this time after the start.
    pub(super) fn at(elapsed: Duration) -> Self {
        let begun = CHAPTERS.iter().rev().find(|(from, ..)| *from <= elapsed);
        begun.map_or(Self::Arriving, |(_, chapter, _)| *chapter)
    }

    /// What a person is told of it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Arriving => "all agents start at once; each asks the API server in its own turn",
            Self::Blackout => "the API server was killed: local metrics and names go on",
            Self::Returning => "the API server is back: nobody storms it, each waits for its turn",
            Self::Paused => "a pause file was made on this node: its agent asks nobody any more",
            Self::Resumed => "the pause file is gone",
        }
    }
}

/// Which acts are still to come.
#[derive(Debug, Default)]
pub(super) struct Story {
    told: usize,
}

impl Story {
    /// The next act that is due at this time after the start; to be asked until there is none.
    pub(super) fn due(&mut self, elapsed: Duration) -> Option<Act> {
        while let Some((from, _, act)) = CHAPTERS.get(self.told) {
            if *from > elapsed {
                return None;
            }
            self.told += 1;
            if act.is_some() {
                return *act;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_is_due_once_in_its_order_however_late_somebody_asks() {
        let mut story = Story::default();
        assert_eq!(story.due(Duration::from_secs(35)), None);
        assert_eq!(story.due(Duration::from_secs(36)), Some(Act::Kill));
        assert_eq!(story.due(Duration::from_secs(36)), None);
        let late = Duration::from_secs(500);
        let rest: Vec<_> = std::iter::from_fn(|| story.due(late)).collect();
        assert_eq!(rest, [Act::Revive, Act::Pause, Act::Resume]);
    }

    #[test]
    fn a_chapter_lasts_until_the_next_and_the_last_one_for_ever() {
        assert_eq!(Chapter::at(Duration::from_millis(35_999)), Chapter::Arriving);
        assert_eq!(Chapter::at(Duration::from_secs(36)), Chapter::Blackout);
        assert_eq!(Chapter::at(LENGTH * 10), Chapter::Resumed);
    }
}
