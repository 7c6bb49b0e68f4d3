//! The SDK's HTTP client that is no client: it puts the request's bytes into the outputs' queues.

use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use exporter::model::Timestamp;
use exporter::output::Monitor;
use exporter::queue::{Class, Item, Queue};
use exporter::resolve::View;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics};

use super::kube_api::Encoded;
use super::{Outlets, lock};

/// The most that one self-telemetry request may hold after decompression: far above what the instruments give.
const LIMIT: u64 = 4 << 20;

/// An output as self-telemetry sees it.
#[derive(Debug, Clone)]
pub struct Outlet {
    /// The output's name in the configuration.
    pub name: String,
    /// Where its requests wait; it knows the output's counts too.
    pub queue: Arc<Queue>,
    /// How the output does; it knows the disk log.
    pub monitor: Monitor,
    /// What is known about the name in its address.
    pub names: View,
}

/// Puts what the SDK wants to send into every output's queue, as the class that has a reserved share.
#[derive(Debug, Clone)]
pub(super) struct QueueClient {
    outlets: Outlets,
    points: Arc<AtomicU64>,
    beside: Arc<Mutex<Bytes>>,
}

impl QueueClient {
    pub(super) fn new(outlets: Outlets) -> Self {
        Self { outlets, points: Arc::default(), beside: Arc::default() }
    }

    /// Says how many data points the next request holds (its bytes do not), and what goes out with it.
    pub(super) fn announce(&self, points: u64, beside: Encoded) {
        self.points.store(points + beside.points, Relaxed);
        *self.beside.lock().unwrap_or_else(PoisonError::into_inner) = beside.bytes;
    }

    fn push(&self, body: &Bytes) {
        // Fields of one message that are put behind each other are one message.
        let beside = std::mem::take(&mut *self.beside.lock().unwrap_or_else(PoisonError::into_inner));
        let body = if beside.is_empty() { body.clone() } else { [&**body, &*beside].concat().into() };
        for outlet in lock(&self.outlets).iter() {
            outlet.queue.push(Item {
                body: body.clone(),
                points: self.points.load(Relaxed),
                class: Class::SelfTelemetry,
                created: Timestamp::now(),
            });
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for QueueClient {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        // OTEL_EXPORTER_OTLP_COMPRESSION is read by the SDK itself; the outputs compress on their own.
        let gzip = request.headers().get(http::header::CONTENT_ENCODING).is_some_and(|value| value == "gzip");
        let body = if gzip { gunzip(request.body())? } else { request.into_body() };
        self.push(&body);
        Ok(http::Response::new(Bytes::new()))
    }
}

fn gunzip(compressed: &[u8]) -> std::io::Result<Bytes> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(compressed).take(LIMIT).read_to_end(&mut plain)?;
    Ok(plain.into())
}

/// The number of data points in `metrics`.
pub(super) fn count_points(metrics: &ResourceMetrics) -> u64 {
    metrics.scope_metrics().flat_map(ScopeMetrics::metrics).map(|metric| points_of(metric.data())).sum()
}

fn points_of(data: &AggregatedMetrics) -> u64 {
    fn count<T>(data: &MetricData<T>) -> u64 {
        let points = match data {
            MetricData::Gauge(gauge) => gauge.data_points().count(),
            MetricData::Sum(sum) => sum.data_points().count(),
            MetricData::Histogram(histogram) => histogram.data_points().count(),
            MetricData::ExponentialHistogram(histogram) => histogram.data_points().count(),
        };
        points as u64
    }
    match data {
        AggregatedMetrics::F64(data) => count(data),
        AggregatedMetrics::U64(data) => count(data),
        AggregatedMetrics::I64(data) => count(data),
    }
}
