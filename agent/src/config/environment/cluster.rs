//! What a pod's environment says of its cluster: the downward API's variables and those of the cluster's own service.

use super::{
    Config, DAEMONSET, Environment, NODE_IP, NODE_NAME, POD_NAMESPACE, SERVICE_HOST, SERVICE_PORT, Variable,
};
use crate::config::check::Checker;
use crate::config::schema::Scalar;
use crate::config::values::kube::Server;

/// Puts into `config` what the environment says and the file does not.
pub(super) fn apply(config: &mut Config, environment: &Environment, checker: &mut Checker<'_>) {
    let kube = &mut config.kube;
    fill(&mut kube.node_name, &NODE_NAME, environment, checker);
    fill(&mut kube.namespace, &POD_NAMESPACE, environment, checker);
    fill(&mut kube.daemonset, &DAEMONSET, environment, checker);
    fill(&mut config.kubelet.address, &NODE_IP, environment, checker);
    if kube.server.is_none() && kube.kubeconfig.is_none() {
        kube.server = service(environment, checker);
    }
}

fn fill<T: Scalar>(
    value: &mut Option<T>,
    variable: &Variable,
    environment: &Environment,
    checker: &mut Checker<'_>,
) {
    if value.is_none() {
        *value = environment.first([variable; 2], checker, T::parse);
    }
}

/// Both variables, or none of them.
fn service(environment: &Environment, checker: &mut Checker<'_>) -> Option<Server> {
    let (alone, missing) = match (environment.is_set(&SERVICE_HOST), environment.is_set(&SERVICE_PORT)) {
        (false, false) => return None,
        (true, false) => (&SERVICE_HOST, &SERVICE_PORT),
        (false, true) => (&SERVICE_PORT, &SERVICE_HOST),
        (true, true) => {
            let port = environment.text(&SERVICE_PORT, checker)?;
            return environment.first([&SERVICE_HOST; 2], checker, |host| Server::of_service(host, port));
        }
    };
    checker.variable(alone, format!("needs {} too", missing.name));
    None
}
