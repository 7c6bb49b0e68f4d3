use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn problems(text: &[u8]) -> String {
    let mut report = Report::default();
    let tree = parse(text, &mut report);
    report.finish("t", tree).map_or_else(|problems| problems.to_string(), |_| "accepted".to_owned())
}

fn scalar(node: &Node) -> &str {
    match &node.kind {
        Kind::Scalar { text, .. } => text,
        _ => panic!("{node:?} is no scalar"),
    }
}

#[test]
fn every_key_and_value_knows_its_line_and_column() {
    let text = "# comment\na:\n  b: [x, 'y']\n  c:\n";
    let mut report = Report::default();
    let tree = parse(text.as_bytes(), &mut report).unwrap();
    let path = Path::root().key("a").key("b").index(1);
    assert_eq!(scalar(tree.find(&path).unwrap()), "y");
    assert_eq!(tree.locate(&path), Position { line: 3, column: 10 });
    assert_eq!(
        tree.locate(&Path::root().key("a").key("c")),
        Position { line: 4, column: 3 },
        "a left-out value"
    );
    assert_eq!(
        tree.locate(&path.index(7).key("none")),
        Position { line: 3, column: 10 },
        "the nearest there is"
    );
}

#[test]
fn an_empty_file_is_an_empty_section() {
    for text in ["", "\n", "# only a comment\n", "---\n", "\u{feff}", "~"] {
        let tree = parse(text.as_bytes(), &mut Report::default()).unwrap();
        assert_eq!(tree.kind, Kind::Map(Vec::new()), "{text:?}");
    }
}

#[test]
fn columns_count_characters_and_not_bytes() {
    assert_eq!(
        problems("{\u{e4}\u{f6}: 1, x: &a 1}".as_bytes()),
        "t:1:15: x: anchors and aliases are not supported; write the value out"
    );
    assert_eq!(problems(b"a: \xc3\xa4\nb: \xff"), "t:2:4: the file is no UTF-8 text");
}

/// `a:` below `a:` below `a:`.
fn staircase(steps: usize) -> String {
    (0..steps).flat_map(|depth| [" ".repeat(depth), "a:\n".to_owned()]).collect()
}

#[test]
fn size_nesting_and_number_of_values_are_bounded() {
    let large = vec![b' '; MAX_BYTES + 1];
    assert_eq!(problems(&large), "t:1:1: the file is larger than 1048576 bytes");
    let wide = format!("[{}]", "a,".repeat(MAX_VALUES));
    assert!(problems(wide.as_bytes()).ends_with("more than 50000 keys and values"));
    let deep_flow = "[".repeat(500_000);
    assert!(problems(deep_flow.as_bytes()).contains("recursion limit exceeded"));
    let deep_block = staircase(700);
    assert!(problems(deep_block.as_bytes()).contains("recursion limit exceeded"));
    let both = format!("{}{}{}{}", staircase(20), " ".repeat(20), "[".repeat(20), "]".repeat(20));
    assert!(
        problems(both.as_bytes()).contains("nested deeper than 32 levels"),
        "{}",
        problems(both.as_bytes())
    );
}

#[test]
fn an_alias_bomb_stays_as_small_as_its_text() {
    let mut bomb = String::from("a0: &a0 [x, x]\n");
    for level in 1..30 {
        writeln!(bomb, "a{level}: &a{level} [*a{0}, *a{0}, *a{0}]", level - 1).unwrap();
    }
    assert!(problems(bomb.as_bytes()).contains("anchors and aliases are not supported"));
}

/// Pieces of YAML in any order: what random bytes hardly ever hit.
fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "host",
        "scrapers",
        "disk",
        "outputs",
        "otlp",
        "metrics",
        ": ",
        ":",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&a ",
        "*a",
        "!t ",
        "<<: ",
        "? ",
        "'",
        "\"",
        "|",
        ">",
        "#",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "\t",
        "10s",
        "null",
        "~",
        "\\",
        "\u{fffe}",
        "\u{85}",
        "\0",
        "0x1",
        "@",
        "`",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_and_what_has_no_tree_has_a_reason(text in yamlish()) {
        let mut report = Report::default();
        let tree = parse(text.as_bytes(), &mut report);
        if tree.is_none() {
            prop_assert!(report.finish::<()>("t", None).unwrap_err().count() > 0);
        }
    }

    #[test]
    fn no_bytes_make_the_whole_configuration_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = crate::config::load("t", &bytes, &crate::config::Environment::default());
    }

    #[test]
    fn no_text_makes_the_whole_configuration_panic(text in yamlish()) {
        let _ = crate::config::load("t", text.as_bytes(), &crate::config::Environment::default());
    }
}
