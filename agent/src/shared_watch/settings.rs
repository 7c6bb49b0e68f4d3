//! From the agent's checked configuration to what the shared watch takes.

use std::path::PathBuf;

use shared_informer::client::{Address, SERVICE_ACCOUNT, Source};
use shared_informer::index::Limits;
use shared_informer::informer::settings::Settings;
use shared_informer::wire::request::{ObjectName, Target};

use super::Error;
use crate::config::settings::{ApiServer, ControlPlane, Reach};

/// The way to the API server.
pub(super) fn source(reach: &Reach) -> Result<Source, Error> {
    Ok(match reach {
        Reach::Pod { host, port } => {
            let address = host.parse().map_err(|_| Error::Address(host.clone()))?;
            Source::InCluster {
                address: Address::new(address, *port),
                account: PathBuf::from(SERVICE_ACCOUNT),
            }
        }
        Reach::Kubeconfig(path) => Source::Kubeconfig { path: path.clone(), context: None },
    })
}

/// What is asked about.
pub(super) fn target(api: &ApiServer) -> Target {
    let daemon_set = api.daemon_set.as_ref().map(|daemon_set| ObjectName {
        namespace: daemon_set.namespace.as_str().into(),
        name: daemon_set.name.as_str().into(),
    });
    Target { node: api.node.as_str().into(), daemon_set }
}

/// Everything that the informer decides by.
pub(super) fn settings(control_plane: &ControlPlane, api: &ApiServer) -> Settings {
    Settings {
        node: api.node.as_str().into(),
        declaration: control_plane.declaration,
        cluster: control_plane.cluster,
        kubelet: control_plane.kubelet,
        steps: control_plane.steps.clone(),
        has_daemonset: api.daemon_set.is_some(),
        off: false,
        dry_run: control_plane.dry_run,
        max_pods: api.max_pods,
        carried_bound: api.watch_bytes,
        index: Limits::default(),
    }
}
