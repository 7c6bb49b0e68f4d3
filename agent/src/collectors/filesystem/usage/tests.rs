use proptest::prelude::*;

use super::*;

const DISK: Figures =
    Figures { block_size: 4096, blocks: 1000, free: 300, available: 250, files: 500, files_free: 123 };

#[test]
fn space_is_used_free_and_reserved_and_adds_up_to_the_whole() {
    let usage = DISK.usage().unwrap();
    assert_eq!(usage.bytes, [700 * 4096, 250 * 4096, 50 * 4096]);
    assert_eq!(usage.bytes.iter().sum::<i64>(), 1000 * 4096);
    assert_eq!(usage.inodes, [377, 123]);
}

#[test]
fn utilization_is_rounded_to_the_digits_of_its_whole() {
    // 2,867,200 of 3,891,200: seven digits.
    assert_eq!(DISK.usage().unwrap().utilization, Some(0.736_842_1));
    assert_eq!(ratio(1, 3), Some(0.3));
    assert_eq!(ratio(0, 1), Some(0.0));
}

#[test]
fn a_filesystem_without_blocks_has_no_utilization_and_zero_space() {
    let usage = Figures::default().usage().unwrap();
    assert_eq!((usage.bytes, usage.inodes, usage.utilization), ([0; 3], [0; 2], None));
}

#[test]
fn more_free_inodes_than_inodes_are_no_used_inodes() {
    let usage = Figures { files: 1, files_free: 2, ..DISK }.usage().unwrap();
    assert_eq!(usage.inodes, [0, 2]);
}

#[test]
fn figures_that_do_not_fit_are_refused_instead_of_wrapping() {
    assert_eq!(Figures { blocks: u64::MAX, ..DISK }.usage(), None);
    assert_eq!(Figures { block_size: 1 << 62, ..DISK }.usage(), None);
    assert_eq!(Figures { free: 1001, ..DISK }.usage(), None);
    assert_eq!(Figures { files_free: u64::MAX, ..DISK }.usage(), None);
}

proptest! {
    #[test]
    fn any_figures_give_a_sum_that_is_the_whole_or_nothing(
        block_size: u64, blocks: u64, free: u64, available: u64, files: u64, files_free: u64,
    ) {
        let figures = Figures { block_size, blocks, free, available, files, files_free };
        if let Some(usage) = figures.usage() {
            let sum: i128 = usage.bytes.iter().map(|bytes| i128::from(*bytes)).sum();
            prop_assert_eq!(sum, i128::from(blocks) * i128::from(block_size));
        }
    }
}
