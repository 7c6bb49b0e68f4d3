use std::collections::HashMap;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::*;
use crate::dial::Trouble;
use crate::retry::Failure;

fn environment(variables: &[(&str, &str)]) -> Result<Option<Proxy>, Error> {
    let map: HashMap<_, _> = variables.iter().copied().collect();
    from_environment(|name| map.get(name).map(|value| (*value).to_owned()))
}

/// The proxy on the way to a URL.
fn way(variables: &[(&str, &str)], url: &str, grpc: bool) -> Option<String> {
    let proxy = environment(variables).expect("sound")?;
    let endpoint = if grpc { Endpoint::parse_grpc(url) } else { Endpoint::parse(url) };
    proxy.server(&endpoint.expect("a URL"), grpc).map(|server| server.shown.clone())
}

#[test]
fn each_kind_of_backend_has_the_proxy_of_its_variable() {
    let set = [("HTTP_PROXY", "http://one:1"), ("https_proxy", "two:2"), ("ALL_PROXY", "http://three:3")];
    assert_eq!(way(&set, "http://h/v1/metrics", false).as_deref(), Some("http://one:1"));
    assert_eq!(way(&set, "https://h/v1/metrics", false).as_deref(), Some("http://two:2"));
    for url in ["h:4317", "https://h:4317", "http://h:4317"] {
        assert_eq!(way(&set, url, true).as_deref(), Some("http://two:2"), "{url}");
    }
    assert_eq!(way(&set[2..], "http://h/", false).as_deref(), Some("http://three:3"));
    assert_eq!(way(&set[2..], "h", true).as_deref(), Some("http://three:3"));
    assert_eq!(way(&set[..1], "https://h/", false), None);
    let both = [("http_proxy", "lower"), ("HTTP_PROXY", "upper")];
    assert_eq!(way(&both, "http://h/", false).as_deref(), Some("http://upper"));
    let empty = [("http_proxy", "lower"), ("HTTP_PROXY", " ")];
    assert_eq!(way(&empty, "http://h/", false).as_deref(), Some("http://lower"));
    assert_eq!(environment(&[("HTTPS_PROXY", ""), ("NO_PROXY", "*")]), Ok(None));
}

#[test]
fn a_proxy_has_a_port_by_its_scheme_and_credentials_that_are_not_shown() {
    let server = |url: &str| environment(&[("ALL_PROXY", url)]).expect(url).expect(url).http.expect(url);
    for (url, secure, host, port) in [
        ("proxy", false, "proxy", 80),
        ("proxy:3128/ignored", false, "proxy", 3128),
        ("http://proxy", false, "proxy", 80),
        ("https://proxy/", true, "proxy", 443),
        (" http://[fd00::1]:8080 ", false, "fd00::1", 8080),
    ] {
        let server = server(url);
        assert_eq!((server.secure, &*server.host, server.port), (secure, host, port), "{url}");
        assert_eq!(server.authorization, None);
    }
    for (credentials, encoded) in [
        ("Aladdin:open%20sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("me", "Basic bWU6"),
        ("me:p%40ss@word", "Basic bWU6cEBzc0B3b3Jk"),
    ] {
        let url = format!("http://{credentials}@proxy:1/");
        let server = server(&url);
        assert_eq!(server.authorization.as_ref().map(HeaderValue::as_bytes), Some(encoded.as_bytes()));
        assert_eq!((&*server.shown, &*server.host), ("http://proxy:1", "proxy"));
        assert!(!format!("{server:?}").contains(encoded), "{server:?}");
    }
}

#[test]
fn a_variable_that_names_no_usable_proxy_is_refused_by_name_and_without_its_secret() {
    for (url, says) in [
        ("socks5://me:s3cret@proxy:1080", "HTTPS_PROXY: only http:// and https:// proxies are spoken to"),
        ("http://me:s3cret@proxy:0", "HTTPS_PROXY: the port must be a number from 1 to 65535"),
        ("http://me:s3cret@", "HTTPS_PROXY: "),
        ("http://me:s3/cret@proxy:1", "HTTPS_PROXY: the port must be"),
        ("http://a b", "HTTPS_PROXY: not a URL"),
    ] {
        let error = environment(&[("HTTPS_PROXY", url)]).expect_err(url).to_string();
        assert!(error.starts_with(says) && !error.contains("s3"), "{url}: {error}");
    }
}

#[test]
fn exceptions_are_hosts_suffixes_addresses_networks_ports_and_everything() {
    for (list, host, port, holds) in [
        ("example.com", "example.com", 80, true),
        ("example.com", "EXAMPLE.com.", 80, true),
        ("example.com", "a.b.example.com", 80, true),
        ("example.com", "notexample.com", 80, false),
        ("example.com", "example.com.evil", 80, false),
        (".example.com", "a.example.com", 80, true),
        (".example.com", "example.com", 80, false),
        ("*.example.com", "a.example.com", 80, true),
        ("*.example.com", "example.com", 80, false),
        ("a, example.com\tb", "b", 80, true),
        ("example.com:4318", "example.com", 4318, true),
        ("example.com:4318", "example.com", 4317, false),
        ("example.com:http", "example.com", 80, false),
        ("*", "anything", 1, true),
        ("*", "10.0.0.1", 1, true),
        ("a,*", "fd00::1", 1, true),
        ("*:443", "h", 443, true),
        ("*:443", "h", 80, false),
        ("10.1.2.3", "10.1.2.3", 80, true),
        ("10.1.2.3", "10.1.2.30", 80, false),
        ("10.1.2.3:80", "10.1.2.3", 81, false),
        ("10.0.0.0/8", "10.255.0.1", 80, true),
        ("10.0.0.0/8", "11.0.0.1", 80, false),
        ("10.0.0.0/33", "10.0.0.0", 80, false),
        ("0.0.0.0/0", "8.8.8.8", 80, true),
        ("0.0.0.0/0", "fd00::1", 80, false),
        ("fd00::/8", "fdff::1", 80, true),
        ("fd00::/8", "fe00::1", 80, false),
        ("fd00::1", "fd00::1", 80, true),
        ("[fd00::1]:80", "fd00::1", 80, true),
        ("[fd00::1]:80", "fd00::1", 81, false),
        ("::ffff:10.0.0.1", "10.0.0.1", 80, true),
        ("2.3", "10.1.2.3", 80, false),
        (".", "h", 80, false),
        ("", "h", 80, false),
        ("", "localhost", 80, true),
        ("", "127.0.0.9", 80, true),
        ("", "::1", 80, true),
    ] {
        assert_eq!(Exceptions::parse(list).hold(host, port), holds, "{list:?}: {host}:{port}");
    }
}

proptest! {
    #[test]
    fn any_list_is_read_without_harm_and_a_name_in_it_is_an_exception(list: String, name in "[a-z]{1,9}\\.[a-z]{2,5}") {
        let _ = Exceptions::parse(&list).hold(&name, 80);
        let longer = Exceptions::parse(&format!("{list},{name}"));
        prop_assert!(longer.hold(&name, 80));
        let _ = environment(&[("ALL_PROXY", &list)]);
    }
}

/// What comes of a proxy that answers CONNECT so, what it received, and what is left for the backend's part.
async fn connect(host: &str, answer: &[u8]) -> (Result<(), Trouble>, String, Vec<u8>) {
    let (mut near, mut far) = duplex(1 << 20);
    far.write_all(answer).await.expect("written");
    let server = Server::parse("http://me:pass@proxy:1").expect("a proxy");
    let result = tunnel::open(&mut near, &server, host, 4317).await;
    far.shutdown().await.expect("ended");
    let mut rest = Vec::new();
    near.read_to_end(&mut rest).await.expect("read");
    drop(near);
    let mut asked = String::new();
    far.read_to_string(&mut asked).await.expect("text");
    (result, asked, rest)
}

#[tokio::test]
async fn a_way_is_asked_for_by_name_and_what_follows_the_answer_is_the_backends() {
    let (result, asked, rest) = connect("collector.test", b"HTTP/1.0 200 OK\r\nx: y\r\n\r\nSETTINGS").await;
    assert!(result.is_ok(), "{result:?}");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        asked,
        format!(
            "CONNECT collector.test:4317 HTTP/1.1\r\nhost: collector.test:4317\r\nuser-agent: tare/{version}\r\n\
             proxy-authorization: Basic bWU6cGFzcw==\r\n\r\n"
        )
    );
    assert_eq!(rest, b"SETTINGS");
    let (_, asked, _) = connect("fd00::1", b"HTTP/1.1 200\r\n\r\n").await;
    assert!(asked.starts_with("CONNECT [fd00::1]:4317 HTTP/1.1\r\nhost: [fd00::1]:4317\r\n"), "{asked}");
}

#[tokio::test]
async fn every_other_answer_is_a_failure_of_the_proxy_in_plain_words_within_bounds() {
    let endless = [&b"HTTP/1.1 200 OK\r\nx: "[..], &vec![b'a'; 64 << 10]].concat();
    for (answer, says) in [
        (
            &b"HTTP/1.1 403 Forbidden\x1b[31m by policy\r\n\r\n"[..],
            "CONNECT with 403 Forbidden [31m by policy",
        ),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "(are its credentials right?)"),
        (b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\n\r\n", "with 302 Found"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "does not answer as an HTTP proxy"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "does not answer as an HTTP proxy"),
        (&endless, "a head above 16384 bytes"),
    ] {
        let (result, ..) = connect("h", answer).await;
        let trouble = result.expect_err(says);
        assert_eq!(trouble.failure, Failure::Proxy);
        assert!(trouble.detail.contains(says), "{}", trouble.detail);
    }
}
