//! The resource of the node: what is configured, and what the machine knows of itself.

use std::path::Path;

use super::settings::Settings;
use crate::paths::HostPaths;
use crate::source::read_once;

/// The most that is read of `/etc/hostname`; the kernel's own limit is 64 bytes.
const HOSTNAME_LIMIT: usize = 4096;

/// What the machine knows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The host's name; `None` where it cannot be known from here.
    pub host_name: Option<String>,
}

impl Machine {
    /// Asks the kernel, or reads the host's `/etc/hostname` where the host's root is not this process's: in a
    /// container the kernel gives the name of the pod.
    pub fn detect(paths: &HostPaths) -> Self {
        let host_name = if paths.is_local() {
            Some(rustix::system::uname().nodename().to_string_lossy().into_owned())
        } else {
            hostname_file(&paths.host("etc/hostname"))
        };
        Self { host_name: host_name.filter(|name| !name.is_empty()) }
    }
}

/// The first line that is neither empty nor a comment.
fn hostname_file(path: &Path) -> Option<String> {
    let mut buffer = Vec::new();
    let text = read_once(path, &mut buffer, HOSTNAME_LIMIT).ok()?;
    let text = std::str::from_utf8(text).ok()?;
    text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned)
}

/// The attributes of the node's resource, by name: `os.type` and `host.name`, unless `settings` say otherwise, and
/// what they say besides.
pub fn node_attributes(settings: &Settings, machine: &Machine) -> Vec<(String, String)> {
    let mut attributes = settings.resource.clone();
    let known = [("host.name", machine.host_name.clone()), ("os.type", Some("linux".to_owned()))];
    for (name, value) in known {
        if let (Some(value), false) = (value, attributes.iter().any(|(other, _)| other == name)) {
            attributes.push((name.to_owned(), value));
        }
    }
    attributes.sort();
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, load};

    fn attributes(text: &str, host_name: Option<&str>) -> Vec<(String, String)> {
        let loaded = load("t.yaml", text.as_bytes(), &Environment::default()).unwrap();
        node_attributes(&loaded.settings, &Machine { host_name: host_name.map(str::to_owned) })
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn the_machine_fills_what_the_configuration_leaves_open() {
        assert_eq!(attributes("", Some("n1")), [pair("host.name", "n1"), pair("os.type", "linux")]);
        assert_eq!(attributes("", None), [pair("os.type", "linux")]);
        let configured = "enrich: {resource_attributes: {host.name: mine, zone: a}}";
        let expected = [pair("host.name", "mine"), pair("os.type", "linux"), pair("zone", "a")];
        assert_eq!(attributes(configured, Some("n1")), expected);
    }

    #[test]
    fn a_foreign_root_gives_the_hosts_name_and_never_this_containers() {
        let root = tempfile::tempdir().unwrap();
        let paths = HostPaths::new(root.path(), None, None);
        assert_eq!(Machine::detect(&paths).host_name, None);
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(root.path().join("etc/hostname"), "# set at installation\n\nnode-7\n").unwrap();
        assert_eq!(Machine::detect(&paths).host_name.as_deref(), Some("node-7"));
    }
}
