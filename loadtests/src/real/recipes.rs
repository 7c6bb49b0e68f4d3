//! What checks need built: recipes are code, so that a change of one gives another entry of the cache.

mod control_plane;
mod image;
mod linux;
mod mimalloc;

pub(super) use control_plane::{
    ETCD, HELM, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, KUBE_SCHEDULER, KUBELET,
};
pub(super) use image::{IMAGE, PAUSE, WORK};
pub(super) use linux::LINUX;
pub(super) use mimalloc::MIMALLOC;

/// Something a check needs before it can start.
#[derive(Debug, Clone, Copy)]
pub(super) enum Need {
    /// Foreign software, built once into the cache.
    Recipe(&'static Recipe),
    /// A binary of this workspace, built by cargo each time.
    Cargo {
        /// The package.
        package: &'static str,
        /// The binary.
        bin: &'static str,
    },
    /// tare as one static file, by `deploy/image/build`.
    Static {
        /// The profile.
        profile: &'static str,
        /// What a check calls it.
        name: &'static str,
    },
    /// A test program of this workspace with a `main` of its own, built by cargo each time as tests are.
    Test {
        /// The package.
        package: &'static str,
        /// The test.
        test: &'static str,
    },
}

impl Need {
    /// The name under which a check asks for the program.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Recipe(recipe) => recipe.output,
            Self::Cargo { bin, .. } => bin,
            Self::Static { name, .. } => name,
            Self::Test { test, .. } => test,
        }
    }

    /// What has to be installed for it to run: a program or a file, and Debian's package.
    pub(super) fn runs_with(self) -> &'static [(&'static str, &'static str)] {
        let name = self.name();
        if name == KUBELET.name() {
            &[
                ("containerd", "containerd"),
                ("runc", "runc"),
                ("/usr/lib/cni/bridge", "containernetworking-plugins"),
                ("ip", "iproute2"),
            ]
        } else if name == LINUX.name() {
            &[("qemu-system-x86_64", "qemu-system-x86")]
        } else {
            &[]
        }
    }
}

/// How to build one program. Everything here is part of the cache key.
#[derive(Debug)]
pub(super) struct Recipe {
    /// The cache entry's name.
    pub(super) name: &'static str,
    /// The program that has to be installed.
    pub(super) tool: &'static str,
    /// Files to write first, by path below the build folder.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// Environment of the steps.
    pub(super) env: &'static [(&'static str, &'static str)],
    /// Commands, run in order in the build folder.
    pub(super) steps: &'static [&'static [&'static str]],
    /// Where the steps leave the program.
    pub(super) built: &'static str,
    /// The program's name in the cache.
    pub(super) output: &'static str,
}

/// tare itself.
pub(super) const TARE: Need = Need::Cargo { package: "tare", bin: "tare" };

/// tare as one static file, as the image ships it.
pub(super) const TARE_STATIC: Need = Need::Static { profile: "dist", name: "tare-static" };

/// The program that only reads.
pub(super) const FLOOR: Need = Need::Cargo { package: "loadtests", bin: "floor" };

/// tare's exporter and nothing else.
pub(super) const SENDER: Need = Need::Cargo { package: "loadtests", bin: "sender" };

/// The rounds of kills against the disk log, and their judge.
pub(super) const CRASH_ORACLE: Need = Need::Test { package: "exporter", test: "crash_oracle" };

/// The OpenTelemetry Collector with what tare is compared with.
pub(super) const COLLECTOR: Need = Need::Recipe(&Recipe {
    name: "otelcol",
    tool: "go",
    files: &[("builder.yaml", COLLECTOR_BUILDER)],
    // Static, so that it also runs in a fixture tree that is its whole file system.
    env: &[("CGO_ENABLED", "0"), ("GOFLAGS", "-trimpath")],
    steps: &[&[
        "go",
        "run",
        "go.opentelemetry.io/collector/cmd/builder@v0.149.0",
        "--config=builder.yaml",
        "--ldflags=-s -w",
    ]],
    built: "out/otelcol-tare",
    output: "otelcol",
});

/// 0.149.0 is the newest version at which every module below is to be had.
const COLLECTOR_BUILDER: &str = "\
dist:
  name: otelcol-tare
  description: The OpenTelemetry Collector that tare is compared with
  version: 0.149.0
  output_path: ./out
receivers:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver v0.149.0
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/receiver/kubeletstatsreceiver v0.149.0
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.149.0
processors:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/processor/k8sattributesprocessor v0.149.0
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/otlphttpexporter v0.149.0
  - gomod: go.opentelemetry.io/collector/exporter/otlpexporter v0.149.0
  - gomod: go.opentelemetry.io/collector/exporter/debugexporter v0.149.0
";

/// Prometheus, without service discovery: most of its modules and of its build time.
pub(super) const PROMETHEUS: Need = Need::Recipe(&Recipe {
    name: "prometheus",
    tool: "go",
    files: &[("go.mod", PROMETHEUS_MODULE), ("tools.go", PROMETHEUS_TOOLS)],
    env: &[("CGO_ENABLED", "0"), ("GOFLAGS", "-trimpath")],
    steps: &[&[
        "go",
        "build",
        "-mod=mod",
        "-tags=remove_all_sd",
        "-ldflags=-s -w",
        "-o=prometheus",
        "github.com/prometheus/prometheus/cmd/prometheus",
    ]],
    built: "prometheus",
    output: "prometheus",
});

/// Its tool for rule files, of the same version.
pub(super) const PROMTOOL: Need = Need::Recipe(&Recipe {
    name: "promtool",
    tool: "go",
    files: &[("go.mod", PROMETHEUS_MODULE), ("tools.go", PROMTOOL_TOOLS)],
    env: &[("CGO_ENABLED", "0"), ("GOFLAGS", "-trimpath")],
    steps: &[&[
        "go",
        "build",
        "-mod=mod",
        "-tags=remove_all_sd",
        "-ldflags=-s -w",
        "-o=promtool",
        "github.com/prometheus/prometheus/cmd/promtool",
    ]],
    built: "promtool",
    output: "promtool",
});

/// Sums of the modules come from the checksum database, as for every module that is built here.
const PROMETHEUS_MODULE: &str = "\
module tare.dev/prometheus

go 1.26

require github.com/prometheus/prometheus v0.315.0
";

const PROMETHEUS_TOOLS: &str = "\
//go:build tools

package tools

import _ \"github.com/prometheus/prometheus/cmd/prometheus\"
";

const PROMTOOL_TOOLS: &str = "\
//go:build tools

package tools

import _ \"github.com/prometheus/prometheus/cmd/promtool\"
";
