//! Where the server is, whom to trust, who we are: from environment and files.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::identify::Credential;
use super::server::url;
use super::*;

fn authority() -> String {
    let parameters = rcgen::CertificateParams::new(["kubernetes".to_owned()]).unwrap();
    parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
}

fn account(ca: &str) -> (tempfile::TempDir, Source) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.crt"), ca).unwrap();
    fs::write(folder.path().join("token"), "abc\n").unwrap();
    let address = Address::new([10, 96, 0, 1].into(), 443);
    let source = Source::InCluster { address, account: folder.path().to_owned() };
    (folder, source)
}

fn environment(host: &'static str, port: &'static str) -> Result<String, AddressError> {
    let variable = |name: &str| match name {
        "KUBERNETES_SERVICE_HOST" => Some(host.to_owned()).filter(|host| !host.is_empty()),
        "KUBERNETES_SERVICE_PORT" => Some(port.to_owned()),
        _ => None,
    };
    Address::from_environment(variable).map(|address| address.to_string())
}

#[test]
fn in_a_pod_the_server_is_an_address_and_never_a_name() {
    assert_eq!(environment("10.96.0.1", "443").unwrap(), "10.96.0.1:443");
    assert_eq!(environment("fd00::1", "6443").unwrap(), "[fd00::1]:6443");
    assert!(matches!(environment("kubernetes.default.svc", "443"), Err(AddressError::Host(_))));
    assert!(matches!(environment("10.96.0.1", "tcp://x"), Err(AddressError::Port(_))));
    assert!(matches!(environment("", "443"), Err(AddressError::Missing("KUBERNETES_SERVICE_HOST"))));
}

#[test]
fn the_service_account_gives_authorities_and_the_tokens_file() {
    let (folder, source) = account(&authority());
    let server = Server::read(&source).unwrap();
    assert_eq!(server.url.to_string(), "https://10.96.0.1:443/");
    assert_eq!(server.roots.as_ref().unwrap().len(), 1);
    let Credential::File(path) = &server.credential else { panic!("no file") };
    assert_eq!(**path, folder.path().join("token"));
    fs::write(folder.path().join("ca.crt"), "no certificate").unwrap();
    assert!(matches!(Server::read(&source), Err(Error::Content { .. })));
    fs::remove_file(folder.path().join("ca.crt")).unwrap();
    assert!(matches!(Server::read(&source), Err(Error::Read { .. })));
}

#[test]
fn a_cluster_is_its_authorities_and_its_address() {
    let (one, other) = (authority(), authority());
    let id = |ca: &str| {
        let (_folder, source) = account(ca);
        Server::read(&source).unwrap().identity()
    };
    assert_eq!(id(&one), id(&one));
    assert_ne!(id(&one), id(&other));
    assert_eq!(
        id(&format!("{one}{other}")),
        id(&format!("{other}{one}")),
        "the order of a bundle means nothing"
    );
    let (folder, _) = account(&one);
    let address = Address::new([10, 96, 0, 2].into(), 443);
    let moved = Source::InCluster { address, account: folder.path().to_owned() };
    assert_ne!(Server::read(&moved).unwrap().identity(), id(&one));
}

#[test]
fn plain_http_goes_to_this_machine_only() {
    for allowed in
        ["http://127.0.0.1:8001", "http://[::1]:8001/", "http://localhost:1", "https://api.example:6443/k8s"]
    {
        url(allowed, "x").unwrap();
    }
    for refused in [
        "http://10.0.0.1",
        "http://127.0.0.1.example",
        "ftp://127.0.0.1",
        "/api",
        "127.0.0.1:80",
        "",
        "https://h/?a=b",
    ] {
        assert!(url(refused, "x").is_err(), "{refused}");
    }
}

fn kubeconfig(folder: &Path, cluster: &str, user: &str) -> Result<Server, Error> {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n\
         clusters: [{{name: k, cluster: {{server: 'https://127.0.0.1:6443', {cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n"
    );
    let path = folder.join("config");
    fs::write(&path, text).unwrap();
    Server::read(&Source::Kubeconfig { path, context: None })
}

#[test]
fn a_kubeconfig_gives_address_authority_and_credential() {
    let folder = tempfile::tempdir().unwrap();
    let ca = authority();
    let data = format!("certificate-authority-data: {}, tls-server-name: kubernetes", STANDARD.encode(&ca));
    let server = kubeconfig(folder.path(), &data, "token: secret").unwrap();
    assert_eq!((server.roots.unwrap().len(), server.name.as_deref()), (1, Some("kubernetes")));
    let Credential::Fixed(header) = server.credential else { panic!("no token") };
    assert!(header.is_sensitive() && header == "Bearer secret");
    fs::write(folder.path().join("ca.pem"), &ca).unwrap();
    let server = kubeconfig(folder.path(), "certificate-authority: ca.pem", "tokenFile: token").unwrap();
    assert_eq!(server.roots.unwrap().len(), 1);
    let Credential::File(path) = server.credential else { panic!("no file") };
    assert_eq!(*path, folder.path().join("token"));
}

#[test]
fn what_would_run_a_program_or_switch_verification_off_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (cluster, user, named) in [
        ("insecure-skip-tls-verify: true", "token: t", "insecure-skip-tls-verify"),
        ("proxy-url: 'http://p:1'", "token: t", "proxy-url"),
        (
            "",
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Never}",
            "exec",
        ),
        ("", "auth-provider: {name: gcp, config: {}}", "auth-provider"),
        ("", "username: u, password: p", "username"),
        ("", "as: root, token: t", "as"),
    ] {
        let Err(Error::Unsupported { field, .. }) = kubeconfig(folder.path(), cluster, user) else {
            panic!("{named} was not refused");
        };
        assert_eq!(field, named);
    }
    assert!(matches!(
        kubeconfig(folder.path(), "certificate-authority-data: '%'", ""),
        Err(Error::Content { .. })
    ));
    assert!(matches!(kubeconfig(folder.path(), "", "token: \"a\\nb\""), Err(Error::Content { .. })));
}

#[test]
fn a_context_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    kubeconfig(folder.path(), "", "").unwrap();
    let source = Source::Kubeconfig { path: folder.path().join("config"), context: Some("other".to_owned()) };
    let Err(Error::Content { what, .. }) = Server::read(&source) else { panic!("found") };
    assert_eq!(what, "no context \"other\"");
}

#[test]
fn a_name_that_cannot_stand_in_a_header_is_refused() {
    let clocks = Arc::new(crate::clocks::System::new());
    let (_folder, source) = account(&authority());
    assert!(matches!(Connector::new(source, "0.1.0", "node\n1", clocks), Err(Error::Agent)));
}
