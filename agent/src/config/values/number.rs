//! Numbers between two bounds, written without a unit: rates, parts of a whole, counts. The bounds of what is
//! declared to the budget are those of `shared_informer::declaration`.

use shared_informer::declaration::{MAX_NODES, MAX_REQUESTS_PER_SECOND};

use crate::config::report::quote;
use crate::config::schema::Scalar;

/// Requests per second: more than 0, at most [`MAX_REQUESTS_PER_SECOND`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(pub f64);

impl Scalar for Rate {
    const NUMBER: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        positive(text, MAX_REQUESTS_PER_SECOND, &Self::kind()).map(Self)
    }

    fn print(&self) -> String {
        self.0.to_string()
    }

    fn kind() -> String {
        format!("a number above 0, at most {MAX_REQUESTS_PER_SECOND}")
    }
}

/// A part of a whole: more than 0, at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(pub f64);

impl Scalar for Share {
    const NUMBER: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        positive(text, 1.0, &Self::kind()).map(Self)
    }

    fn print(&self) -> String {
        self.0.to_string()
    }

    fn kind() -> String {
        "a number above 0, at most 1".to_owned()
    }
}

fn positive(text: &str, most: f64, kind: &str) -> Result<f64, String> {
    // Plain decimals only: a sign, an exponent, `inf` and `nan` are understood by nobody in a budget.
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse::<f64>() {
        Ok(number) if plain && number > 0.0 && number <= most => Ok(number),
        _ => Err(format!("expected {kind}, found {}", quote(text))),
    }
}

/// A whole number between two bounds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Whole<MIN, MAX> {
    /// `number`, brought between the bounds.
    pub const fn new(number: u32) -> Self {
        let low = if number < MIN { MIN } else { number };
        Self(if low > MAX { MAX } else { low })
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> Scalar for Whole<MIN, MAX> {
    const NUMBER: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        number
            .filter(|number| (MIN..=MAX).contains(number))
            .map(Self)
            .ok_or_else(|| format!("expected {}, found {}", Self::kind(), quote(text)))
    }

    fn print(&self) -> String {
        self.0.to_string()
    }

    fn kind() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }
}

/// A number of nodes, or `auto` where it is to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nodes(pub Option<u32>);

impl Scalar for Nodes {
    const NUMBER: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self(None));
        }
        Whole::<1, MAX_NODES>::parse(text)
            .map(|nodes| Self(Some(nodes.get())))
            .map_err(|_| format!("expected {}, found {}", Self::kind(), quote(text)))
    }

    fn print(&self) -> String {
        self.0.map_or_else(|| "auto".to_owned(), |nodes| nodes.to_string())
    }

    fn kind() -> String {
        format!("auto or {}", Whole::<1, MAX_NODES>::kind())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_no_budget_can_be_made_of_is_refused() {
        for text in ["", "0", "0.0", "-1", "+1", "1e3", "inf", "nan", "1000001", "1.2.3", ".", "1 "] {
            assert!(Rate::parse(text).is_err(), "{text:?}");
        }
        assert!(Share::parse("1.01").is_err() && Share::parse("1").is_ok() && Share::parse("0.25").is_ok());
        for text in ["", "0", "4", "+2", "1.0", "99999999999"] {
            assert!(Whole::<1, 3>::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Nodes::parse("auto"), Ok(Nodes(None)));
        assert!(
            Nodes::parse("0").is_err() && Nodes::parse("1000001").is_err() && Nodes::parse("Auto").is_err()
        );
    }

    proptest! {
        #[test]
        fn every_number_reads_back_as_it_is_printed(rate in 0.000_1_f64..1e6, share in 0.000_1_f64..=1.0, nodes in 1..=MAX_NODES) {
            prop_assert_eq!(Rate::parse(&Rate(rate).print()), Ok(Rate(rate)));
            prop_assert_eq!(Share::parse(&Share(share).print()), Ok(Share(share)));
            let whole = Whole::<1, MAX_NODES>::new(nodes);
            prop_assert_eq!(Whole::parse(&whole.print()), Ok(whole));
            prop_assert_eq!(Nodes::parse(&Nodes(Some(nodes)).print()), Ok(Nodes(Some(nodes))));
        }
    }
}
