use std::fs;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

struct Files {
    dir: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { dir: TempDir::new().expect("a folder") }
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).expect("written");
        path
    }

    fn identity(&self, name: &str) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["client.test".to_owned()]).expect("parameters");
        let certificate = params.self_signed(&key).expect("signed");
        Identity {
            certificate: self.write(&format!("{name}.pem"), &certificate.pem()),
            key: self.write(&format!("{name}.key"), &key.serialize_pem()),
        }
    }
}

fn error(settings: &Settings, host: &str) -> String {
    client(settings, host, &[]).err().expect("must be refused").to_string()
}

#[test]
fn files_that_cannot_work_are_refused_by_their_names() {
    let files = Files::new();
    let good = files.identity("good");
    let other = files.identity("other");
    let missing = files.dir.path().join("missing.pem");
    let text = files.write("text.pem", "hello\n");
    let broken = files.write("broken.pem", "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n");
    let foreign =
        files.write("foreign.pem", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n");
    let large = files.write("large.pem", &" ".repeat((1 << 20) + 1));
    let ca = |path: &PathBuf| Settings { ca: Some(path.clone()), ..Settings::default() };
    let with = |certificate: &PathBuf, key: &PathBuf| Settings {
        identity: Some(Identity { certificate: certificate.clone(), key: key.clone() }),
        ..ca(&good.certificate)
    };
    for (settings, says) in [
        (ca(&missing), "missing.pem: No such file"),
        (ca(&text), "text.pem: holds no certificate"),
        (ca(&broken), "broken.pem: not PEM"),
        (ca(&foreign), "foreign.pem: holds a certificate that cannot be used"),
        (ca(&large), "large.pem: larger than 1048576 bytes"),
        (with(&text, &good.key), "text.pem: holds no certificate"),
        (with(&good.certificate, &text), "text.pem: holds no private key"),
        (with(&good.certificate, &missing), "missing.pem: No such file"),
        (with(&good.certificate, &other.key), "good.pem: does not work with"),
    ] {
        let error = error(&settings, "host");
        assert!(error.contains(says), "{error} should contain {says}");
    }
    assert!(client(&with(&good.certificate, &good.key), "host", &[]).is_ok());
}

#[test]
fn a_name_that_no_certificate_can_bear_is_refused_and_a_given_one_replaces_the_host() {
    let files = Files::new();
    let ca = Some(files.identity("ca").certificate);
    let mut settings = Settings { ca, ..Settings::default() };
    assert_eq!(error(&settings, "no host"), "\"no host\" cannot be the name in a certificate");
    let prepared = client(&settings, "10.0.0.1", &[b"http/1.1"]).expect("an address is a name too");
    assert_eq!(prepared.name.to_str(), "10.0.0.1");
    assert_eq!(prepared.config.alpn_protocols, [b"http/1.1".to_vec()]);
    settings.server_name = Some("collector.internal".to_owned());
    assert_eq!(client(&settings, "10.0.0.1", &[]).expect("prepared").name.to_str(), "collector.internal");
}
