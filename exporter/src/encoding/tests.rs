use proptest::prelude::*;

use super::*;

#[test]
fn base64_is_that_of_rfc_4648() {
    for (plain, encoded) in
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("~~?>", "fn4/Pg==")]
    {
        assert_eq!(base64_encode(plain.as_bytes()), encoded);
    }
    for wrong in ["Zg-_", "Z", "Zm9v!", "Zm 9v"] {
        assert_eq!(base64_decode(wrong.as_bytes()), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn base64_is_read_as_it_was_written_with_and_without_padding(bytes: Vec<u8>) {
        let encoded = base64_encode(&bytes);
        prop_assert_eq!(base64_decode(encoded.as_bytes()), Some(bytes.clone()));
        prop_assert_eq!(base64_decode(encoded.trim_end_matches('=').as_bytes()), Some(bytes));
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes: Vec<u8>) {
        let _ = (base64_decode(&bytes), percent_decode(&bytes));
    }

    #[test]
    fn percent_encoding_is_undone(text: String) {
        let encoded = text.bytes().fold(String::new(), |out, byte| format!("{out}%{byte:02X}"));
        prop_assert_eq!(percent_decode(encoded.as_bytes()), text.into_bytes());
    }
}
