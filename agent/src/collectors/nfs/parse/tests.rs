use proptest::prelude::*;

use super::*;

fn known(kind: &[u8]) -> Option<Layout> {
    match kind {
        b"net" => Some(Layout::AtLeast(2)),
        b"th" => Some(Layout::First),
        b"proc" => Some(Layout::Calls),
        _ => None,
    }
}

type Found = Vec<(Vec<u8>, Vec<u64>)>;

fn parse(text: &[u8]) -> Result<Found, (&'static str, usize)> {
    let mut found = Vec::new();
    each_line(text, known, |line| found.push((line.kind.to_vec(), line.figures().to_vec())))?;
    Ok(found)
}

#[test]
fn each_layout_keeps_its_figures() {
    let text = b"net 1 2 3\nth 8 0.000\nother x\nproc 2 5 6";
    let expected =
        [(b"net".to_vec(), vec![1, 2, 3]), (b"th".to_vec(), vec![8]), (b"proc".to_vec(), vec![5, 6])];
    assert_eq!(parse(text).unwrap(), expected);
}

#[test]
fn an_error_tells_where_its_line_begins() {
    assert_eq!(parse(b"net 1 2\nproc 2 1\n").unwrap_err().1, 8);
    assert!(parse(b"proc 0\n").is_err(), "a line without a call");
}

proptest! {
    #[test]
    fn random_bytes_never_panic(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&text);
    }

    #[test]
    fn nearly_valid_lines_never_panic_and_keep_at_most_the_bound(
        kind in "net|th|proc", figures in prop::collection::vec(0_u64.., 0..300),
    ) {
        let figures: Vec<_> = figures.iter().map(ToString::to_string).collect();
        if let Ok(lines) = parse(format!("{kind} {}\n", figures.join(" ")).as_bytes()) {
            prop_assert!(lines.iter().all(|(_, figures)| figures.len() <= MAX_FIGURES));
        }
    }
}
