//! The programs of a control plane. `loadtests/real/tools/*/go.mod` and `go.sum` pin every module they are made of.

use super::{Need, Recipe};

/// Static, and without the paths of this machine in it.
const ENV: &[(&str, &str)] = &[("CGO_ENABLED", "0"), ("GOFLAGS", "-trimpath")];

/// The store behind the API server.
pub(in crate::real) const ETCD: Need = Need::Recipe(&Recipe {
    name: "etcd",
    tool: "go",
    files: &[
        ("go.mod", include_str!("../../../real/tools/etcd/go.mod")),
        ("go.sum", include_str!("../../../real/tools/etcd/go.sum")),
    ],
    env: ENV,
    // Not `go install`: the module has replacements, which that refuses.
    steps: &[&["go", "build", "-ldflags", "-s -w", "-o", "out/etcd", "go.etcd.io/etcd/server/v3"]],
    built: "out/etcd",
    output: "etcd",
});

/// One program of Kubernetes, by the name of its folder in `cmd`.
macro_rules! kubernetes {
    ($name:literal) => {
        Need::Recipe(&Recipe {
            name: $name,
            tool: "go",
            files: &[
                ("go.mod", include_str!("../../../real/tools/kubernetes/go.mod")),
                ("go.sum", include_str!("../../../real/tools/kubernetes/go.sum")),
            ],
            env: ENV,
            steps: &[&[
                "go",
                "build",
                "-ldflags",
                VERSION,
                "-o",
                concat!("out/", $name),
                concat!("k8s.io/kubernetes/cmd/", $name),
            ]],
            built: concat!("out/", $name),
            output: $name,
        })
    };
}

/// What Kubernetes' own build script puts in: without it a program calls itself v0.0.0, which decides what it enables.
const VERSION: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
    -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36";

/// The API server.
pub(in crate::real) const KUBE_APISERVER: Need = kubernetes!("kube-apiserver");

/// What makes pods of Deployments and their like, and the service accounts that pods need.
pub(in crate::real) const KUBE_CONTROLLER_MANAGER: Need = kubernetes!("kube-controller-manager");

/// What gives the pods of DaemonSets their node.
pub(in crate::real) const KUBE_SCHEDULER: Need = kubernetes!("kube-scheduler");

/// The node's agent.
pub(in crate::real) const KUBELET: Need = kubernetes!("kubelet");

/// What installs the chart: the version with which `deploy/helm/check` renders it.
pub(in crate::real) const HELM: Need = Need::Recipe(&Recipe {
    name: "helm",
    tool: "go",
    files: &[],
    env: ENV,
    steps: &[&["sh", "-euc", "GOBIN=\"$PWD/out\" go install helm.sh/helm/v4/cmd/helm@v4.3.1"]],
    built: "out/helm",
    output: "helm",
});
