//! The building blocks of the wire types: strings that borrow, lists and maps that stay within a bound.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::pod::limits;

/// A string: borrowed from the input, or owned where the JSON had an escape in it.
#[derive(Debug)]
pub(in crate::pod) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    pub(in crate::pod) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Borrowed)
    }
}

/// The first `N` entries of a list, and how many there are in all.
#[derive(Debug)]
pub(in crate::pod) struct Bounded<T, const N: usize> {
    pub(in crate::pod) entries: Vec<T>,
    pub(in crate::pod) total: usize,
}

impl<T, const N: usize> Default for Bounded<T, N> {
    fn default() -> Self {
        Self { entries: Vec::new(), total: 0 }
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Bounded<T, N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct List<T, const N: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for List<T, N> {
            type Value = Bounded<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut read = Bounded::default();
                while read.entries.len() < N {
                    let Some(entry) = list.next_element()? else { break };
                    read.entries.push(entry);
                }
                read.total = read.entries.len();
                if read.total == N {
                    while list.next_element::<IgnoredAny>()?.is_some() {
                        read.total += 1;
                    }
                }
                Ok(read)
            }
        }
        from.deserialize_seq(List(PhantomData))
    }
}

/// Labels or annotations, unsorted.
#[derive(Debug, Default)]
pub(in crate::pod) struct Map<'a> {
    pub(in crate::pod) pairs: Vec<(Text<'a>, Text<'a>)>,
    pub(in crate::pod) total: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Map<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Map<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut map = Map::default();
                while map.pairs.len() < limits::PAIRS {
                    let Some(pair) = object.next_entry()? else { break };
                    map.pairs.push(pair);
                }
                map.total = map.pairs.len();
                if map.total == limits::PAIRS {
                    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                        map.total += 1;
                    }
                }
                Ok(map)
            }
        }
        from.deserialize_map(Object)
    }
}
