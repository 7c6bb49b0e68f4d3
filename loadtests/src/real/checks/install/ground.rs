//! What the chart is installed into: a whole control plane, a node with other people's pods, and a backend.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};

use crate::parity::stream::{Attributes, attributes};
use crate::real::cache;
use crate::real::checks::image;
use crate::real::cluster::Cluster;
use crate::real::cluster::audit::acts::{self, Act};
use crate::real::cluster::node::{self, Node, containerd, service};
use crate::real::env::Env;
use crate::receiver::{Received, Receiver};

/// Where the chart goes, and what its release is called: what the documentation says.
pub(super) const NAMESPACE: &str = "tare-system";
pub(super) const RELEASE: &str = "tare";

/// Whom the API server takes the installed agents for.
pub(super) const USER: &str = "system:serviceaccount:tare-system:tare";

/// Other people's pods on the node, of every kind of owner.
pub(super) const PODS: usize = 10;

/// How long anything may take that a controller or the kubelet does; an idle machine needs a tenth.
const PATIENCE: Duration = Duration::from_mins(3);

/// Everything that runs.
pub(super) struct Ground {
    // Dropped in this order.
    pub(super) node: Node,
    pub(super) cluster: Cluster,
    pub(super) backend: Backend,
    helm: Helm,
}

struct Helm {
    program: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
}

/// The receiver, and everything that it took.
pub(super) struct Backend {
    receiver: Receiver,
    seen: Arc<Mutex<Vec<Received>>>,
}

/// One point of a number.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) metric: String,
    pub(super) resource: Attributes,
    pub(super) attributes: Attributes,
    pub(super) time: u64,
    pub(super) value: f64,
}

impl Ground {
    /// Starts everything but the product, whose image is imported under the chart's own name for it.
    pub(super) fn prepare(env: &Env) -> anyhow::Result<Self> {
        let mut cluster = Cluster::start(env)?;
        cluster.start_manager(env)?;
        cluster.start_scheduler(env)?;
        let mut node = Node::start(env, &mut cluster)?;
        service::open(env, &cluster)?;
        node.fill(&mut cluster, PODS)?;
        let image = image::image(env, "image", env.program("tare-static")?)?;
        containerd::import(env, &image.archive())?;
        let helm = Helm {
            program: env.program("helm")?.to_path_buf(),
            kubeconfig: cluster.kubeconfig("admin")?,
            home: env.path("helm"),
        };
        Ok(Self { node, cluster, backend: Backend::start()?, helm })
    }

    /// Runs helm; `arguments` are those of a person, the chart's folder and the namespace are added by `install` and `upgrade`.
    pub(super) fn helm(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.helm.program);
        command.args(arguments).arg("--namespace").arg(NAMESPACE).env("KUBECONFIG", &self.helm.kubeconfig);
        for (variable, folder) in
            [("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data")]
        {
            command.env(variable, self.helm.home.join(folder));
        }
        let output = command.output().context("running helm")?;
        if !output.status.success() {
            bail!("helm {arguments:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What this machine needs beside the chart's defaults: where the data goes, and figures of tare itself more often than
    /// once a minute, so that the check need not wait for them.
    pub(super) fn values(&self) -> Vec<String> {
        vec![
            format!("otlp.endpoint={}", self.backend.receiver.endpoint()),
            "config.control.self_telemetry_interval=5s".to_owned(),
        ]
    }

    /// `helm install` or `upgrade` with the values of this machine and `more`.
    pub(super) fn apply(&self, verb: &[&str], more: &[&str]) -> anyhow::Result<String> {
        let chart = cache::repository().join("deploy/helm/tare").display().to_string();
        let values = self.values();
        let mut arguments = verb.to_vec();
        arguments.extend([RELEASE, &chart]);
        for value in values.iter().map(String::as_str).chain(more.iter().copied()) {
            arguments.extend(["--set", value]);
        }
        self.helm(&arguments)
    }

    /// Asks `done` twice a second until it gives something, while everything lives.
    pub(super) fn wait<T>(
        &mut self,
        what: &str,
        done: impl FnMut(&mut Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        self.wait_for(PATIENCE, what, done)
    }

    /// The same for so long.
    pub(super) fn wait_for<T>(
        &mut self,
        patience: Duration,
        what: &str,
        mut done: impl FnMut(&mut Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let until = Instant::now() + patience;
        loop {
            self.alive()?;
            if let Some(found) = done(self)? {
                return Ok(found);
            }
            if Instant::now() > until {
                bail!("{what}: not after {patience:?}");
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Lets time go by, while everything lives.
    pub(super) fn pass(&mut self, length: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + length;
        while Instant::now() < until {
            self.alive()?;
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// The same while the API server is gone.
    pub(super) fn node_passes(&mut self, length: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + length;
        while Instant::now() < until {
            self.node.alive()?;
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    fn alive(&mut self) -> anyhow::Result<()> {
        self.node.alive()?;
        self.cluster.alive()
    }

    /// What the agents asked the API server since then, by the audit log.
    pub(super) fn asked(&self, since: SystemTime) -> anyhow::Result<Vec<Act>> {
        let acts = acts::read(&self.cluster.audit_log())?.into_iter();
        Ok(acts.filter(|act| act.user == USER && act.at >= since && !foreign(act)).collect())
    }

    /// What everybody else did in the release's namespace since then, but for the person who runs helm.
    pub(super) fn caused(&self, since: SystemTime) -> anyhow::Result<Vec<Act>> {
        let acts = acts::read(&self.cluster.audit_log())?.into_iter();
        let others = |act: &Act| act.namespace == NAMESPACE && act.user != USER && act.user != "admin";
        Ok(acts.filter(|act| act.at >= since && others(act)).collect())
    }

    /// Waits until nobody has done anything there for `quiet`, and gives everything since `since`.
    pub(super) fn settled(&mut self, since: SystemTime, quiet: Duration) -> anyhow::Result<Vec<Act>> {
        self.wait("the controllers and the kubelet come to rest", |ground| {
            let acts = ground.caused(since)?;
            let last = acts.iter().map(|act| act.at).max().unwrap_or(since);
            Ok(last.elapsed().is_ok_and(|passed| passed > quiet).then_some(acts))
        })
    }
}

/// Requests of this check with the agent's token.
fn foreign(act: &Act) -> bool {
    act.user_agent.starts_with("tare-real/")
}

impl Backend {
    fn start() -> anyhow::Result<Self> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let receiver = Receiver::start(SocketAddr::new(node::ADDRESS, 0), move |received| {
            sink.lock().unwrap_or_else(PoisonError::into_inner).push(received);
        })?;
        Ok(Self { receiver, seen })
    }

    /// Every number of the metrics that `wanted` names, received since then, by time.
    pub(super) fn samples(&self, since: SystemTime, wanted: impl Fn(&str) -> bool) -> Vec<Sample> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut samples = Vec::new();
        let requests = seen.iter().filter(|received| received.at >= since);
        for resource in requests.flat_map(|received| &received.request.resource_metrics) {
            let of = resource.resource.as_ref().map(|of| attributes(&of.attributes)).unwrap_or_default();
            for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
                let points = match &metric.data {
                    Some(Data::Sum(sum)) => &sum.data_points,
                    Some(Data::Gauge(gauge)) => &gauge.data_points,
                    _ => continue,
                };
                if !wanted(&metric.name) {
                    continue;
                }
                samples.extend(points.iter().filter_map(|point| {
                    let value = match point.value? {
                        Value::AsDouble(value) => value,
                        Value::AsInt(value) => float(value),
                    };
                    let (metric, attributes) = (metric.name.clone(), attributes(&point.attributes));
                    Some(Sample {
                        metric,
                        resource: of.clone(),
                        attributes,
                        time: point.time_unix_nano,
                        value,
                    })
                }));
            }
        }
        samples.sort_by_key(|sample| sample.time);
        samples
    }

    /// The newest value of a metric since then, over the series with these attributes.
    pub(super) fn newest(&self, since: SystemTime, metric: &str, with: &[(&str, &str)]) -> Option<f64> {
        let samples = self.samples(since, |name| name == metric);
        let fits = |sample: &&Sample| {
            with.iter().all(|(key, value)| sample.attributes.get(*key).is_some_and(|found| found == value))
        };
        samples.iter().rfind(fits).map(|sample| sample.value)
    }

    /// The newest values of a metric since then, by all attributes of the point.
    pub(super) fn latest(&self, since: SystemTime, metric: &str) -> BTreeMap<Attributes, f64> {
        let samples = self.samples(since, |name| name == metric);
        samples.into_iter().map(|sample| (sample.attributes, sample.value)).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and bytes here are far below 2^53")]
fn float(value: i64) -> f64 {
    value as f64
}
