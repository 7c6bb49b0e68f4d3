//! What a kubelet remembers of the API server's answers. Pure: time is a parameter.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use super::review::Subject;

/// No more answers of a kind are kept: a client that invents tokens fills no memory.
const MOST: usize = 4_096;

/// How long an answer is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lives {
    /// That a token is good, and whose it is.
    pub token: Duration,
    /// That somebody may.
    pub allowed: Duration,
    /// That somebody may not.
    pub denied: Duration,
}

impl Default for Lives {
    /// A kubelet's own defaults.
    fn default() -> Self {
        Self {
            token: Duration::from_mins(2),
            allowed: Duration::from_mins(5),
            denied: Duration::from_secs(30),
        }
    }
}

/// Both caches.
#[derive(Debug)]
pub(super) struct Caches {
    lives: Lives,
    tokens: Believed<String, String>,
    accesses: Believed<[String; 3], bool>,
}

/// Answers, each with its end.
#[derive(Debug)]
struct Believed<K, V>(HashMap<K, (Instant, V)>);

impl<K: Hash + Eq, V: Clone> Believed<K, V> {
    fn get(&self, key: &K, now: Instant) -> Option<V> {
        let (until, value) = self.0.get(key)?;
        (now < *until).then(|| value.clone())
    }

    fn keep(&mut self, key: K, value: V, now: Instant, life: Duration) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (until, _)| now < *until);
        }
        if self.0.len() < MOST {
            self.0.insert(key, (now + life, value));
        }
    }
}

impl Caches {
    pub(super) fn new(lives: Lives) -> Self {
        Self { lives, tokens: Believed(HashMap::new()), accesses: Believed(HashMap::new()) }
    }

    /// Whose token this is, if that is still believed.
    pub(super) fn token(&self, token: &str, now: Instant) -> Option<String> {
        self.tokens.get(&token.to_owned(), now)
    }

    pub(super) fn keep_token(&mut self, token: &str, user: &str, now: Instant) {
        self.tokens.keep(token.to_owned(), user.to_owned(), now, self.lives.token);
    }

    /// Whether they may, if that is still believed.
    pub(super) fn access(&self, subject: &Subject<'_>, now: Instant) -> Option<bool> {
        self.accesses.get(&key(subject), now)
    }

    pub(super) fn keep_access(&mut self, subject: &Subject<'_>, allowed: bool, now: Instant) {
        let life = if allowed { self.lives.allowed } else { self.lives.denied };
        self.accesses.keep(key(subject), allowed, now, life);
    }

    pub(super) fn forget(&mut self) {
        *self = Self::new(self.lives);
    }
}

fn key(subject: &Subject<'_>) -> [String; 3] {
    [subject.user, subject.verb, subject.subresource].map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: Subject<'_> = Subject { user: "u", verb: "get", node: "n", subresource: "stats" };

    #[test]
    fn each_answer_is_believed_for_its_own_time_and_not_a_moment_longer() {
        let (mut caches, begin) = (Caches::new(Lives::default()), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        caches.keep_token("t", "u", begin);
        assert_eq!(caches.token("t", at(119)).as_deref(), Some("u"));
        assert_eq!((caches.token("t", at(120)), caches.token("other", begin)), (None, None));
        caches.keep_access(&SUBJECT, true, begin);
        assert_eq!((caches.access(&SUBJECT, at(299)), caches.access(&SUBJECT, at(300))), (Some(true), None));
        let other = Subject { subresource: "metrics", ..SUBJECT };
        caches.keep_access(&other, false, begin);
        assert_eq!((caches.access(&other, at(29)), caches.access(&other, at(30))), (Some(false), None));
        caches.forget();
        assert_eq!(caches.access(&SUBJECT, begin), None);
    }

    #[test]
    fn invented_tokens_fill_no_memory_and_what_is_over_makes_room() {
        let (mut caches, begin) = (Caches::new(Lives::default()), Instant::now());
        for number in 0..MOST + 10 {
            caches.keep_token(&number.to_string(), "u", begin);
        }
        assert_eq!(caches.tokens.0.len(), MOST);
        let later = begin + Duration::from_mins(3);
        caches.keep_token("new", "u", later);
        assert_eq!((caches.tokens.0.len(), caches.token("new", later).as_deref()), (1, Some("u")));
    }
}
