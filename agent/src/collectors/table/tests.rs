use proptest::prelude::*;

use super::*;

/// Runs a scrape that lists `names`; answers what each row holds, and what was forgotten.
fn scrape(table: &mut Table<String>, names: &[&str]) -> (Vec<Option<String>>, Vec<String>) {
    table.begin();
    let rows = names.iter().map(|name| table.row(name.as_bytes(), str::to_owned).map(|row| row.clone()));
    let rows = rows.collect();
    let mut forgotten = Vec::new();
    table.finish(|row| forgotten.push(row));
    (rows, forgotten)
}

#[test]
fn a_row_that_is_missing_for_ten_scrapes_is_forgotten_and_not_before() {
    let mut table = Table::new(8);
    scrape(&mut table, &["a", "b", "c"]);
    for _ in 1..KEPT_SCRAPES {
        assert_eq!(scrape(&mut table, &["a", "c"]).1, Vec::<String>::new());
    }
    assert_eq!(scrape(&mut table, &["a", "c"]).1, ["b"]);
    assert_eq!(table.rows.len(), 2);
    assert_eq!(table.index.len(), 2);
}

#[test]
fn a_row_that_comes_back_starts_its_patience_anew() {
    let mut table = Table::new(8);
    scrape(&mut table, &["a"]);
    for _ in 1..KEPT_SCRAPES {
        scrape(&mut table, &[]);
    }
    scrape(&mut table, &["a"]);
    assert!(scrape(&mut table, &[]).1.is_empty());
}

#[test]
fn names_beyond_the_limit_or_too_long_are_refused_and_counted() {
    let mut table = Table::new(2);
    let long = "x".repeat(NAME_LIMIT + 1);
    let (rows, _) = scrape(&mut table, &[&long, "a", "b", "c", "a", "d"]);
    let held: Vec<_> = rows.iter().map(Option::is_some).collect();
    assert_eq!(held, [false, true, true, false, true, false]);
    assert_eq!(table.refused, 3);
}

#[test]
fn a_scrape_that_saw_what_the_one_before_saw_is_unchanged() {
    let mut table = Table::new(8);
    let mut changed = |names: &[&str]| {
        table.begin();
        for name in names {
            table.row(name.as_bytes(), str::to_owned);
        }
        table.finish(drop)
    };
    assert!(changed(&["a", "b", "c"]));
    assert!(!changed(&["a", "b", "c"]));
    assert!(changed(&["a", "c"]), "b is gone");
    assert!(!changed(&["a", "c"]));
    assert!(changed(&["a"]), "the last is gone");
    assert!(changed(&["a", "b"]), "b is back");
    assert!(changed(&["b", "a"]), "another order");
}

proptest! {
    #[test]
    fn every_name_finds_its_own_row_whatever_the_file_lists(
        scrapes in prop::collection::vec(prop::collection::vec("[a-f]", 0..8), 1..40),
    ) {
        let mut table = Table::new(4);
        for names in scrapes {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let (rows, _) = scrape(&mut table, &names);
            for (name, row) in names.iter().zip(rows) {
                prop_assert!(row.is_none_or(|row| row == *name));
            }
            prop_assert!(table.rows.len() <= 4);
            prop_assert_eq!(table.index.len(), table.rows.len());
            for (at, row) in table.rows.iter().enumerate() {
                prop_assert_eq!(table.index.get(&row.name), Some(&at));
            }
        }
    }
}
