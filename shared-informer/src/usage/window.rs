//! One sliding window over everything that is budgeted, in bounded memory: at most 62 slots.
//!
//! As in [`crate::window`] a slot counts until it has left the window as a whole: what is used and what is allowed always
//! cover the same stretch of time, which is at least the window, and longer by at most a thirtieth and one observation.

use std::collections::VecDeque;

use super::Span;
use crate::clock::Mono;

/// Slots per window.
const SLOTS: u32 = 60;

/// What a stretch of time brought, and what it allowed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Amounts {
    pub(super) requests: u64,
    pub(super) list_bytes: u64,
    pub(super) largest_list: u64,
    pub(super) allowed_requests: f64,
    pub(super) allowed_list_bytes: f64,
    /// Not a sum: the largest that held.
    pub(super) requests_at_once: f64,
}

impl Amounts {
    fn and(self, other: &Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            list_bytes: self.list_bytes.saturating_add(other.list_bytes),
            largest_list: self.largest_list.max(other.largest_list),
            allowed_requests: self.allowed_requests + other.allowed_requests,
            allowed_list_bytes: self.allowed_list_bytes + other.allowed_list_bytes,
            requests_at_once: self.requests_at_once.max(other.requests_at_once),
        }
    }
}

/// The window of one span.
#[derive(Debug, Clone)]
pub(super) struct Window {
    span: Span,
    /// When each slot began, and what it holds; oldest first.
    slots: VecDeque<(Mono, Amounts)>,
}

impl Window {
    pub(super) const fn new(span: Span) -> Self {
        Self { span, slots: VecDeque::new() }
    }

    pub(super) const fn span(&self) -> Span {
        self.span
    }

    /// Adds what became known at `now`, and forgets what has left the window.
    pub(super) fn add(&mut self, now: Mono, amounts: &Amounts) {
        let slot = self.span.length() / SLOTS;
        match self.slots.back_mut() {
            Some((start, sum)) if now.since(*start) < slot => *sum = sum.and(amounts),
            _ => self.slots.push_back((now, *amounts)),
        }
        let expired = |start: Mono| now.since(start) >= self.span.length() + slot;
        while self.slots.front().is_some_and(|(start, _)| expired(*start)) {
            self.slots.pop_front();
        }
    }

    /// Everything within the window that ends at the last addition.
    pub(super) fn sum(&self) -> Amounts {
        self.slots.iter().fold(Amounts::default(), |sum, (_, amounts)| sum.and(amounts))
    }

    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }
}
