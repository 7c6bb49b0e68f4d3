use proptest::prelude::*;

use super::{CAP, MAX_LEN, NANO, Quantity, QuantityError};

/// What Kubernetes' own parser says: text (JSON), then `error`, or billionths, `Value()`, `MilliValue()`.
const ORACLE: &str = include_str!("../../../tests/fixtures/oracle/quantities.tsv");

#[test]
fn every_text_reads_as_it_does_in_kubernetes() {
    let cap = i128::try_from(CAP).unwrap();
    let mut compared = 0;
    for line in ORACLE.lines() {
        let mut fields = line.split('\t');
        let text: String = serde_json::from_str(fields.next().unwrap()).unwrap();
        let expected = fields.next().unwrap();
        let read = Quantity::parse(&text);
        let digitless =
            !text.trim_start_matches(['+', '-', '.']).starts_with(|first: char| first.is_ascii_digit());
        if expected == "error" || digitless {
            assert!(read.is_err(), "{text:?} must be refused, was read as {read:?}");
        } else {
            let nanos: i128 = expected.parse().unwrap();
            let read = read.unwrap_or_else(|error| panic!("{text:?}: {error}"));
            // The original caps only quantities with a binary suffix; above that its int64 accessors wrap, and
            // `Value()` of a large negative quantity is nonsense there.
            assert_eq!(read.nanos(), nanos.clamp(-cap, cap), "{text:?}");
            if (0..=cap).contains(&nanos) {
                assert_eq!(read.units().to_string(), fields.next().unwrap(), "{text:?}");
            }
        }
        compared += 1;
    }
    assert_eq!(compared, 1580);
}

#[test]
fn an_absurd_exponent_costs_nothing_and_stays_in_bounds() {
    let cap = Ok(Quantity(i128::try_from(CAP).unwrap()));
    assert_eq!(Quantity::parse("1e2147483648"), cap);
    assert_eq!(Quantity::parse("9e9223372036854775807"), cap);
    assert_eq!(Quantity::parse("0e9223372036854775807"), Ok(Quantity(0)));
    assert_eq!(Quantity::parse("1e-9223372036854775808"), Ok(Quantity(1)), "never rounded down to nothing");
    assert_eq!(Quantity::parse("1e9223372036854775808"), Err(QuantityError::Suffix));
}

#[test]
fn the_largest_binary_fraction_is_exact_and_a_longer_one_is_refused() {
    let exact = Quantity::parse("0.99999999999999999999Ei").unwrap();
    // 2^60 * (1 - 10^-20) * 10^9 = 2^60 * 10^9 - 11529215.04...
    assert_eq!(exact.nanos(), (1i128 << 60) * 1_000_000_000 - 11_529_215);
    assert_eq!(Quantity::parse("0.100000000000000000001Ki"), Err(QuantityError::Fraction));
    assert_eq!(Quantity::parse("0.100000000000000000000000Ki"), Quantity::parse("0.1Ki"));
}

#[test]
fn a_text_that_is_too_long_is_refused_before_it_is_read() {
    assert!(Quantity::parse(&"1".repeat(MAX_LEN)).is_ok());
    assert_eq!(Quantity::parse(&"1".repeat(MAX_LEN + 1)), Err(QuantityError::TooLong));
    assert_eq!(Quantity::parse(""), Err(QuantityError::Empty));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,70}|[+-]?[0-9.]{0,40}[eEinumkKMGTP]{0,2}[+-]?[0-9]{0,20}") {
        if let Ok(read) = Quantity::parse(&text) {
            prop_assert!(read.nanos().unsigned_abs() <= CAP);
            let units = u128::from(read.units().unsigned_abs());
            prop_assert!(units * NANO >= read.nanos().unsigned_abs(), "units round away from zero");
        }
    }

    #[test]
    fn whole_numbers_scale_by_their_suffix(number in 0u32..100_000, which in 0usize..6) {
        let (suffix, factor) = [("", 1), ("k", 1_000), ("M", 1_000_000), ("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1i64 << 30)][which];
        prop_assert_eq!(Quantity::parse(&format!("{number}{suffix}")).unwrap().units(), i64::from(number) * factor);
    }
}
