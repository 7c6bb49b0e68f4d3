//! What the agent reports about itself, through the OpenTelemetry SDK and over the agent's own queues.
//!
//! The counts live in plain atomics (`stats`, the exporter's `stats`); observable instruments read them when
//! the runtime asks. The SDK's exporter gets an HTTP client that only puts bytes into the outputs' queues, so
//! there is one connection, one retry policy and one place where data can be lost. A `ManualReader` is used
//! because the periodic one always starts a thread.

mod instruments;
pub mod kube_api;
mod kubelet;
mod names;
mod outputs;
mod own_process;
mod queue_client;
mod state;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use exporter::model::Timestamp;
use exporter::retry::Failure;
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_otlp::{MetricExporter, Protocol, RetryPolicy, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream, Temporality,
};

use crate::feeds::Feeds;
use crate::paths::HostPaths;
use crate::pipeline::OnDuration;
use crate::state_dir::StateDir;
use crate::stats::Registry;
use kube_api::KubeApi;
use queue_client::QueueClient;

pub use queue_client::Outlet;

/// The instrumentation scope.
const SCOPE: &str = "tare";

/// Sets of attributes that an instrument can have at least; what is beyond is summed under `otel.metric.overflow`. The SDK
/// makes room for all of them at the start, by default for 2,000: 132 KiB for each instrument, in which what is used lies
/// scattered. These take 4 KiB. The widest of the collectors' tells seven classes of errors of each of twelve.
const SETS: usize = 111;

/// Self-telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("self-telemetry: {0}")]
pub struct SetupError(#[from] opentelemetry_otlp::ExporterBuildError);

/// The outputs of the present configuration; swapped when it changes.
pub type Outlets = Arc<Mutex<Vec<Outlet>>>;

/// What self-telemetry tells of.
#[derive(Debug)]
pub struct Own<'a> {
    /// The attributes of the agent's own resource.
    pub resource: &'a [(String, String)],
    /// The collectors' counts.
    pub registry: Arc<Registry>,
    /// Where the agent finds its own files.
    pub paths: &'a HostPaths,
}

/// The SDK with its instruments.
#[derive(Debug)]
pub struct SelfTelemetry {
    provider: SdkMeterProvider,
    reader: SharedReader,
    exporter: MetricExporter,
    client: QueueClient,
    duration: opentelemetry::metrics::Histogram<f64>,
    kube_api: KubeApi,
}

impl SelfTelemetry {
    /// Instruments over the agent's counts and the outputs.
    ///
    /// # Errors
    /// Where the SDK refuses its configuration (for example a value of `OTEL_EXPORTER_OTLP_*` that it reads itself).
    pub fn new(own: &Own<'_>, outlets: Outlets) -> Result<Self, SetupError> {
        let attributes = own.resource.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let reader = SharedReader(Arc::new(ManualReader::default()));
        // The widest of all tells each kind of failure of each output.
        let sets = SETS.max(lock(&outlets).len() * Failure::ALL.len());
        let provider = SdkMeterProvider::builder()
            .with_resource(Resource::builder_empty().with_attributes(attributes).build())
            .with_reader(reader.clone())
            .with_view(move |_: &Instrument| Stream::builder().with_cardinality_limit(sets).build().ok())
            .build();
        let meter = provider.meter(SCOPE);
        instruments::observe_collectors(&meter, &own.registry);
        instruments::observe_outputs(&meter, &outlets);
        outputs::observe(&meter, &outlets);
        own_process::observe(&meter, own.paths);
        let client = QueueClient::new(outlets);
        // The address is never dialled: the client is a queue. It is named so that the SDK does not look for one.
        let exporter = MetricExporter::builder()
            .with_http()
            .with_endpoint("http://localhost/v1/metrics")
            // The SDK would take these from the environment, where they are meant for the outputs.
            .with_protocol(Protocol::HttpBinary)
            .with_temporality(Temporality::Cumulative)
            .with_http_client(client.clone())
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        let duration = instruments::duration(&meter);
        let kube_api = KubeApi::new(own.resource);
        Ok(Self { provider, reader, exporter, client, duration, kube_api })
    }

    /// Tells of the state directory from now on. To be called once.
    pub fn observe_state(&self, state_dir: &Arc<StateDir>) {
        state::observe(&self.provider.meter(SCOPE), state_dir);
    }

    /// Tells of the kubelet's reader, of the rungs and of names from now on. To be called once.
    pub fn observe_sources(&self, feeds: &Feeds) {
        let meter = self.provider.meter(SCOPE);
        kubelet::observe(&meter, &feeds.kubelet);
        kubelet::observe_rungs(&meter, &feeds.rungs);
        names::observe(&meter, &feeds.names);
    }

    /// Where the informer's shell reports to.
    pub fn kube_api(&self) -> KubeApi {
        self.kube_api.clone()
    }

    /// What the pipeline calls after every scrape.
    pub fn on_duration(&self) -> OnDuration {
        let duration = self.duration.clone();
        Arc::new(move |collector, seconds| duration.record(seconds, &[KeyValue::new("collector", collector)]))
    }

    /// Collects every instrument once and puts the request into the outputs' queues.
    pub async fn publish(&self) {
        let mut metrics = ResourceMetrics::default();
        let collected = self.reader.collect(&mut metrics);
        let beside = self.kube_api.encode(Timestamp::now());
        self.client.announce(queue_client::count_points(&metrics), beside);
        let exported = match collected {
            Ok(()) => self.exporter.export(&metrics).await,
            error => error,
        };
        if let Err(error) = exported {
            tracing::warn!(%error, "self-telemetry was not published");
        }
    }

    /// Publishes at every `interval` until the task is dropped.
    pub async fn publish_every(self: Arc<Self>, interval: Duration) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        // The first tick is at once, when nothing has happened yet.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.publish().await;
        }
    }
}

impl Drop for SelfTelemetry {
    fn drop(&mut self) {
        // Only what was never published is lost, and that is logged by the SDK.
        drop(self.provider.shutdown());
    }
}

/// A reader that the provider and we both hold.
#[derive(Debug, Clone)]
struct SharedReader(Arc<ManualReader>);

impl MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

/// Locks, also after a panic elsewhere: what is inside is a plain list.
fn lock(outlets: &Outlets) -> std::sync::MutexGuard<'_, Vec<Outlet>> {
    outlets.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
