//! `protocol: grpc` from the configuration to the wire, against a receiver that answers as gRPC for Go does: with the
//! encoding of the request.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Request, Response};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use prost::Message as _;

use crate::process::Agent;
use crate::receiver::{Receiver, Seen};

const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// A receiver that accepts everything.
pub(crate) fn receiver() -> Receiver {
    Receiver::serving(|stream, seen| serve(stream, seen, None))
}

/// A receiver that accepts everything but one point of each request.
fn receiver_that_rejects_one_point() -> Receiver {
    let rejected =
        ExportMetricsPartialSuccess { rejected_data_points: 1, error_message: "out of order".to_owned() };
    Receiver::serving(move |stream, seen| serve(stream, seen, Some(rejected.clone())))
}

/// Serves one connection until the client leaves.
fn serve(stream: TcpStream, seen: &Mutex<Seen>, partial_success: Option<ExportMetricsPartialSuccess>) {
    stream.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let answer = ExportMetricsServiceResponse { partial_success }.encode_to_vec();
    // An error is a client that leaves.
    let _ = runtime.block_on(async {
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        let mut connection = h2::server::handshake(stream).await?;
        while let Some(call) = connection.accept().await {
            let (request, respond) = call?;
            let mut call = std::pin::pin!(exchange(request, respond, seen, &answer));
            // What the call needs of the connection moves only while that is polled.
            std::future::poll_fn(|context| {
                let ended = connection.poll_closed(context);
                match call.as_mut().poll(context) {
                    std::task::Poll::Pending => ended,
                    ready @ std::task::Poll::Ready(_) => ready,
                }
            })
            .await?;
        }
        Ok::<(), h2::Error>(())
    });
}

async fn exchange(
    request: Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    seen: &Mutex<Seen>,
    answer: &[u8],
) -> Result<(), h2::Error> {
    let (parts, mut incoming) = request.into_parts();
    assert_eq!((parts.method.as_str(), parts.uri.path()), ("POST", EXPORT));
    assert_eq!(parts.headers["content-type"], "application/grpc");
    let mut body = Vec::new();
    while let Some(data) = incoming.data().await {
        let data = data?;
        incoming.flow_control().release_capacity(data.len())?;
        body.extend_from_slice(&data);
    }
    let zipped = parts.headers.get("grpc-encoding").is_some_and(|encoding| encoding == "gzip");
    let request = message(&body, zipped);
    seen.lock().unwrap().note(&ExportMetricsServiceRequest::decode(&*request).expect("OTLP"));

    let mut head = Response::new(());
    head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    if zipped {
        head.headers_mut().insert("grpc-encoding", HeaderValue::from_static("gzip"));
    }
    let mut stream = respond.send_response(head, false)?;
    stream.send_data(framed(answer, zipped), false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)
}

/// The one message of a body, decompressed.
fn message(body: &[u8], zipped: bool) -> Vec<u8> {
    let (prefix, message) = body.split_first_chunk::<5>().expect("a prefix");
    assert_eq!(prefix[0], u8::from(zipped));
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
    assert_eq!(usize::try_from(length).unwrap(), message.len(), "one whole message");
    let mut plain = Vec::new();
    if zipped {
        GzDecoder::new(message).read_to_end(&mut plain).unwrap();
    } else {
        plain.extend_from_slice(message);
    }
    plain
}

fn framed(message: &[u8], zipped: bool) -> Bytes {
    let mut body = message.to_vec();
    if zipped {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(message).unwrap();
        body = encoder.finish().unwrap();
    }
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[u8::from(zipped)], &length[..], &body].concat().into()
}

fn config(receiver: &Receiver, more: &str) -> String {
    let endpoint = receiver.endpoint();
    format!(
        "host: {{interval: 1s, scrapers: {{memory: }}}}\n\
         outputs: [{{name: t, otlp: {{endpoint: \"{endpoint}\", protocol: grpc{more}}}}}]\n"
    )
}

#[test]
fn metrics_and_self_telemetry_arrive_over_grpc_compressed_or_not_and_nothing_is_remarked() {
    for more in ["", ", compression: none"] {
        let receiver = receiver();
        let mut agent = Agent::start(&config(&receiver, more));
        receiver.wait_for("system.memory.usage");
        let delivered = |status: &serde_json::Value| status["outputs"][0]["last_success"].is_string();
        let status = agent.wait_for_status("a success", delivered);
        assert_eq!(status["outputs"][0]["last_error"], serde_json::Value::Null, "{more}");
        agent.signal("TERM");
        assert_eq!(agent.wait(), Some(0), "{}", agent.log());
        receiver.wait_for("tare.collector.scrapes");
    }
}

#[test]
fn points_that_a_receiver_rejects_in_a_compressed_answer_are_told() {
    let receiver = receiver_that_rejects_one_point();
    let agent = Agent::start(&config(&receiver, ""));
    let told = |status: &serde_json::Value| {
        let text = status["outputs"][0]["last_error"]["text"].as_str();
        text.is_some_and(|text| text.contains("rejected 1 points: out of order"))
    };
    let status = agent.wait_for_status("the receiver's remark", told);
    assert_eq!(status["outputs"][0]["failures_in_a_row"], 0);
}
