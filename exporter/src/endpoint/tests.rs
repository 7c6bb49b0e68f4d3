use super::*;

#[test]
fn a_url_is_split_into_what_a_request_needs() {
    for (url, secure, host, port, authority, path) in [
        ("http://localhost:4318/v1/metrics", false, "localhost", 4318, "localhost:4318", "/v1/metrics"),
        ("https://otlp.example", true, "otlp.example", 443, "otlp.example", "/"),
        ("http://10.0.0.1", false, "10.0.0.1", 80, "10.0.0.1", "/"),
        ("HTTPS://[::1]:4318/a?key=b", true, "::1", 4318, "[::1]:4318", "/a?key=b"),
        (" http://h/ \n", false, "h", 80, "h", "/"),
    ] {
        let endpoint = Endpoint::parse(url).expect(url);
        assert_eq!((endpoint.secure, &*endpoint.host, endpoint.port), (secure, host, port), "{url}");
        assert!(!endpoint.shown.contains('?'), "{}", endpoint.shown);
        assert_eq!(
            (endpoint.authority, endpoint.path.to_string()),
            (HeaderValue::from_static(authority), path.to_owned())
        );
    }
}

#[test]
fn what_is_no_place_to_send_to_is_refused_in_plain_words() {
    for (url, says) in [
        ("", "not a URL"),
        ("http://", "not a URL"),
        ("localhost:4318", "needs http:// or https:// in front"),
        ("/v1/metrics", "needs http:// or https:// in front"),
        ("grpc://h:1/", "only http:// and https://"),
        ("http://u:p@h/", "credentials belong in a header"),
        ("http://h:0/", "the port must be"),
        ("http://h:99999/", "the port must be"),
        ("http://h:/", "the port must be"),
        ("http://:80/", "needs a host"),
        ("http://a b/", "not a URL"),
    ] {
        let error = Endpoint::parse(url).expect_err(url).to_string();
        assert!(error.contains(says), "{url}: {error}");
    }
}

#[test]
fn a_grpc_endpoint_is_https_unless_it_says_otherwise_and_has_no_path() {
    for (given, shown, port) in [
        ("collector:4317", "https://collector:4317", 4317),
        ("collector", "https://collector", 443),
        ("[::1]:4317", "https://[::1]:4317", 4317),
        ("http://collector:4317/", "http://collector:4317", 4317),
    ] {
        let endpoint = Endpoint::parse_grpc(given).expect(given);
        assert_eq!((&*endpoint.shown, endpoint.port), (shown, port), "{given}");
        assert_eq!(endpoint.secure, shown.starts_with("https"));
    }
    for (given, says) in [
        ("http://h:4317/v1/metrics", "have no path"),
        ("h/?key=b", "have no path"),
        ("unix:///run/s", "not a URL"),
        ("dns://h:1", "only http"),
    ] {
        let error = Endpoint::parse_grpc(given).expect_err(given).to_string();
        assert!(error.contains(says), "{given}: {error}");
    }
}
