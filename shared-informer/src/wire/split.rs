//! A JSON object with one long list in it, split into its values as they arrive.
//!
//! The splitter follows the outermost object and the items of its list; each value in them is found by its extent,
//! collected up to its bound, and handed over by itself. So other fields may stand before or after the list, the most that
//! is held is one value, and how the bytes are cut into chunks changes nothing. Every byte lies in a value that was handed
//! over, or is punctuation that was expected; but for the inside of items that were let go of because of their size.

use std::borrow::Cow;
use std::fmt::{Debug, Display};

use serde::Deserialize;

use super::extent::{Extent, is_space};

/// What is accepted, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All bytes together.
    pub whole: usize,
    /// One item of the list; an item beyond costs itself.
    pub item: usize,
    /// Any key, and any value that is not an item.
    pub other: usize,
}

/// Why the rest cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It is cut short.
    Truncated {
        /// How many bytes came.
        at: usize,
    },
    /// It is no JSON, or not what it should be.
    Malformed {
        /// Where, counted from zero; where the value begins, if it is in a value.
        at: usize,
        /// What is wrong there.
        what: String,
    },
    /// It is beyond a bound.
    TooLarge {
        /// The bound.
        limit: usize,
    },
}

/// A value as it stands in the answer.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Value<'a> {
    /// Its bytes.
    pub const fn json(self) -> &'a [u8] {
        self.json
    }

    /// What it says.
    ///
    /// # Errors
    /// It is no JSON, or something else.
    pub fn parse<T: Deserialize<'a>>(self) -> Result<T, Wrong> {
        serde_json::from_slice(self.json).map_err(|error| self.is_wrong(error))
    }

    /// Says what is wrong with it.
    pub fn is_wrong(self, what: impl Display) -> Wrong {
        Wrong::Malformed { at: self.at, what: what.to_string() }
    }
}

/// What is made of the values.
pub trait Parts {
    /// The fields of the outermost object.
    type Field: Copy + Debug;
    /// Why the rest cannot be read.
    type Error: From<Wrong>;

    /// What is accepted.
    fn limits(&self) -> Limits;

    /// Which field has this key.
    ///
    /// # Errors
    /// It may not be there.
    fn field(&mut self, key: &str) -> Result<Self::Field, Self::Error>;

    /// An array begins in this field: whether it is the list, to be split.
    fn is_list(&mut self, field: Self::Field) -> bool;

    /// An item begins.
    ///
    /// # Errors
    /// There are too many.
    fn item_begins(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// An item of the list; none where it was beyond its bound.
    ///
    /// # Errors
    /// The whole answer is unusable because of it.
    fn item(&mut self, item: Option<Value<'_>>) -> Result<(), Self::Error>;

    /// The value of a field, as long as it is not the list. It has to be parsed, or nobody has seen whether it is JSON.
    ///
    /// # Errors
    /// The whole answer is unusable because of it.
    fn value(&mut self, field: Self::Field, value: Value<'_>) -> Result<(), Self::Error>;
}

/// An answer that is being read.
#[derive(Debug)]
pub struct Splitter<P: Parts> {
    parts: P,
    at: At<P::Field>,
    extent: Extent,
    /// The value that is being collected, and where it began.
    held: Vec<u8>,
    began: usize,
    /// Whether the present item is beyond its bound.
    skipping: bool,
    seen: usize,
}

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum At<F> {
    Start,
    FirstKey,
    NextKey,
    Key,
    Colon(F),
    Value(F),
    InValue(F),
    AfterValue,
    FirstItem,
    NextItem,
    InItem,
    AfterItem,
    End,
}

impl<P: Parts> Splitter<P> {
    /// Hands everything to `parts`.
    pub const fn new(parts: P) -> Self {
        Self {
            parts,
            at: At::Start,
            extent: Extent::new(),
            held: Vec::new(),
            began: 0,
            skipping: false,
            seen: 0,
        }
    }

    /// The bytes that are held beside what the parts keep.
    pub const fn held_bytes(&self) -> usize {
        self.held.capacity()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// It cannot be what it should be, or is beyond a bound. Nothing can be read after that.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), P::Error> {
        let limit = self.parts.limits().whole;
        let (mut rest, beyond) = chunk.split_at(chunk.len().min(limit - self.seen));
        while let Some(first) = rest.first() {
            let used = self.step(*first, rest)?;
            self.seen += used;
            rest = rest.get(used..).unwrap_or_default();
        }
        if beyond.is_empty() { Ok(()) } else { Err(Wrong::TooLarge { limit }.into()) }
    }

    /// What was made of it, once everything has arrived.
    ///
    /// # Errors
    /// It is not complete.
    pub fn finish(self) -> Result<P, P::Error> {
        match self.at {
            At::End => Ok(self.parts),
            _ => Err(Wrong::Truncated { at: self.seen }.into()),
        }
    }

    /// Uses at least one of `rest`, which begins with `first`, or changes the state.
    fn step(&mut self, first: u8, rest: &[u8]) -> Result<usize, P::Error> {
        if matches!(self.at, At::Key | At::InValue(_) | At::InItem) {
            return self.collect(rest);
        }
        if is_space(first) {
            return Ok(1);
        }
        self.at = match (self.at, first) {
            (At::Start, b'{') => At::FirstKey,
            (At::FirstKey | At::AfterValue, b'}') => At::End,
            (At::FirstKey | At::NextKey, b'"') => return Ok(self.begin(At::Key)),
            (At::Colon(field), b':') => At::Value(field),
            (At::Value(field), b'[') if self.parts.is_list(field) => At::FirstItem,
            (At::Value(field), _) => return Ok(self.begin(At::InValue(field))),
            (At::AfterValue, b',') => At::NextKey,
            (At::FirstItem | At::AfterItem, b']') => At::AfterValue,
            (At::FirstItem | At::NextItem, _) => {
                self.parts.item_begins()?;
                return Ok(self.begin(At::InItem));
            }
            (At::AfterItem, b',') => At::NextItem,
            _ => {
                let what = format!("unexpected {:?}", char::from(first));
                return Err(Wrong::Malformed { at: self.seen, what }.into());
            }
        };
        Ok(1)
    }

    /// A value begins with the next byte, which is not used yet.
    fn begin(&mut self, at: At<P::Field>) -> usize {
        self.held.clear();
        self.began = self.seen;
        self.extent = Extent::new();
        self.skipping = false;
        self.at = at;
        0
    }

    fn collect(&mut self, rest: &[u8]) -> Result<usize, P::Error> {
        let (used, ended) = self.extent.take(rest);
        let (limits, is_item) = (self.parts.limits(), matches!(self.at, At::InItem));
        let limit = if is_item { limits.item } else { limits.other };
        if self.held.len() + used > limit {
            if !is_item {
                return Err(Wrong::TooLarge { limit }.into());
            }
            // Its end is still looked for; its bytes are let go of.
            self.skipping = true;
            self.held = Vec::new();
        } else if !self.skipping {
            self.held.extend_from_slice(rest.get(..used).unwrap_or_default());
        }
        if ended {
            let value = Value { json: &self.held, at: self.began };
            self.at = match self.at {
                At::Key => At::Colon(self.parts.field(&value.parse::<Cow<'_, str>>()?)?),
                At::InValue(field) => self.parts.value(field, value).map(|()| At::AfterValue)?,
                _ => self.parts.item((!self.skipping).then_some(value)).map(|()| At::AfterItem)?,
            };
        }
        Ok(used)
    }
}
