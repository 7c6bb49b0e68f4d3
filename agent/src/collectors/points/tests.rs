use super::*;

#[test]
fn a_ratio_has_as_many_decimals_as_its_operands_have_digits() {
    // The cases of the collector's own test of `precision.Ratio`.
    for (part, whole, expected) in [
        (21_208_754, 33_554_432, 0.632_070_12),
        (687_397_760, 1_073_741_824, 0.640_189_051_6),
        (1, 3, 0.3),
        (0, 100, 0.0),
        (10, 3, 3.33),
        (100, 10, 10.0),
        (100, 100, 1.0),
    ] {
        assert_eq!(ratio(part, whole), Some(expected), "{part}/{whole}");
    }
}

#[test]
fn there_is_no_ratio_of_nothing() {
    assert_eq!(ratio(0, 0), None);
    assert_eq!(ratio(100, 0), None);
}
