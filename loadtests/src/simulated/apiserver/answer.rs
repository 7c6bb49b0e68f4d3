//! What becomes of one request, from its arrival to the answer's first byte.
//!
//! In the order of the real server: who asks, is there room, may they, and then the question itself.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderName, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::Shared;
use super::access::{Rights, User};
use super::body::{AT_ONCE, Body, Length, json_response, refuse, streamed, whole};
use super::counts::{Entry, Kind as Asked};
use super::health::Health;
use super::question::{Question, Selector};
use super::reviews;
use super::status::{self, Refusal};
use super::store::{Begin, Key, Page};
use super::watching::{Watching, Wish, gone};
use crate::prices::Kind;

/// No body of a request is read beyond this.
const MAX_BODY: usize = 1 << 20;

/// Answers below this are never compressed.
const COMPRESSED_FROM: usize = 128 << 10;

/// A watch that names no end lives between this and twice as long.
const LIFE: Duration = Duration::from_mins(30);

type Answer = Result<Response<Body>, Refusal>;

/// One request under way.
struct Exchange {
    shared: Arc<Shared>,
    question: Question,
    headers: HeaderMap,
    entry: Entry,
}

/// Answers a request.
pub(super) async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let question = Question::read(head.method.as_str(), target);
    let user = shared.user(text(&head.headers, AUTHORIZATION));
    let asked = Asked {
        verb: question.verb.clone(),
        resource: question.resource_with_subresource(),
        user_agent: text(&head.headers, USER_AGENT).unwrap_or_default().to_owned(),
        user: user.as_ref().map_or(String::new(), |user| user.name.clone()),
    };
    let entry = shared.counter.arrived(SystemTime::now(), asked);
    let exchange = Exchange { shared, question, headers: head.headers, entry };
    let response = match exchange.answer(user, body).await {
        Ok(response) => response,
        Err(refusal) => refuse(&refusal),
    };
    exchange.entry.answered(response.status().as_u16());
    // A body whose length is known is handed over whole; the others count as they go.
    if let Some(length) = response.extensions().get::<Length>() {
        exchange.entry.sent(length.0);
    } else if let Some(bytes) = response.body().size_hint().exact() {
        exchange.entry.sent(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
    response
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

impl Exchange {
    async fn answer(&self, user: Option<User>, body: Incoming) -> Answer {
        let shared = &self.shared;
        match shared.until_it_answers().await {
            Health::Failing(code) => return Err(status::ill(code)),
            Health::Throttling { retry_after } => return Err(status::too_many(retry_after.as_secs())),
            Health::Good | Health::ListsStall | Health::Refusing | Health::Down | Health::Stalled => {}
        }
        let user = user.ok_or_else(status::unauthorized)?;
        let (kind, exempt) = (self.price(), user.rights == Rights::Everything);
        let seats = shared.fairness.admit(kind, exempt).await;
        let _seats = seats.map_err(|_| status::too_many(shared.fairness.retry_after()))?;
        if !user.may(&self.question, (&shared.daemon_set.0, &shared.daemon_set.1)) {
            return Err(status::forbidden(&user, &self.question));
        }
        let accepted = text(&self.headers, ACCEPT).unwrap_or("*/*");
        if !["application/json", "*/*", "application/*"].iter().any(|form| accepted.contains(form)) {
            return Err(status::not_acceptable());
        }
        shared.fairness.work(kind, shared.store.pods()).await;
        let question = &self.question;
        match (question.verb.as_str(), question.group_resource().as_str()) {
            ("get", "") => Ok(plain(&question.path)),
            ("list", "pods") => self.list().await,
            ("watch", "pods") => self.watch(),
            ("get", "daemonsets.apps") => self.daemon_set(),
            ("create", "tokenreviews.authentication.k8s.io") => {
                let answered = reviews::token(&shared.accounts, read(body).await?);
                Ok(json_response(StatusCode::CREATED, &answered))
            }
            ("create", "subjectaccessreviews.authorization.k8s.io") => {
                let answered = reviews::access(&shared.accounts, read(body).await?);
                Ok(json_response(StatusCode::CREATED, &answered))
            }
            _ => Err(status::not_found(question)),
        }
    }

    /// What this costs.
    fn price(&self) -> Kind {
        let question = &self.question;
        let one_node = Selector::read(question).is_ok_and(|selector| selector.node.is_some());
        let from = question.parameter("resourceVersion").unwrap_or("0") != "0";
        let initial = question.flag("sendInitialEvents") || !from;
        match (question.verb.as_str(), question.group_resource().as_str()) {
            ("list", "pods") if one_node => Kind::ListNode,
            ("list", "pods") => Kind::ListAll,
            ("watch", "pods") if initial && one_node => Kind::WatchNodeInitial,
            ("watch", "pods") if initial => Kind::WatchAllInitial,
            ("watch", _) => Kind::WatchNode,
            ("create", "tokenreviews.authentication.k8s.io") => Kind::TokenReview,
            ("create", "subjectaccessreviews.authorization.k8s.io") => Kind::AccessReview,
            ("create" | "update" | "patch" | "delete" | "deletecollection", _) => Kind::Write,
            _ => Kind::GetDaemonSet,
        }
    }

    fn daemon_set(&self) -> Answer {
        let object = self.shared.store.daemon_set();
        let (namespace, name) = (&object["metadata"]["namespace"], &object["metadata"]["name"]);
        let question = &self.question;
        if *namespace != *question.namespace.as_deref().unwrap_or_default()
            || *name != *question.name.as_deref().unwrap_or_default()
        {
            return Err(status::not_found(question));
        }
        Ok(json_response(StatusCode::OK, &object))
    }

    /// The version that is asked for; none where none is.
    fn version(&self) -> Result<Option<u64>, Refusal> {
        let text = self.question.parameter("resourceVersion");
        let version = text.map(|text| {
            text.parse().map_err(|_| status::bad_request(&format!("invalid resource version {text:?}")))
        });
        version.transpose()
    }

    async fn list(&self) -> Answer {
        let selector = Selector::read(&self.question).map_err(|why| status::bad_request(&why))?;
        let asked = self.version()?;
        let store = &self.shared.store;
        if let Some(asked) = asked.filter(|asked| *asked > store.version()) {
            // The server waits for its watch cache to get there.
            tokio::time::sleep(self.shared.options.future_wait).await;
            let current = store.version();
            if asked > current {
                return Err(status::too_large(asked, current));
            }
        }
        let rest = self.question.parameter("continue").map(continued).transpose()?;
        // A version of 0 means the watch cache, which gives everything whatever the limit says.
        let limit = self.question.parameter("limit").and_then(|text| text.parse().ok());
        let limit = limit.filter(|limit| asked.is_none() && *limit > 0);
        let page = store.list(&selector, rest.as_ref().map(|(_, key)| key), limit);
        let version = rest.map_or(page.version, |(version, _)| version);
        Ok(self.page(&page, version))
    }

    fn page(&self, page: &Page, version: u64) -> Response<Body> {
        let mut metadata = serde_json::json!({"resourceVersion": version.to_string()});
        if let Some((namespace, name)) = &page.last {
            metadata["continue"] = format!("{version}.{namespace}.{name}").into();
        }
        let head =
            format!("{{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{metadata},\"items\":[");
        let mut parts = vec![Bytes::from(head)];
        for (at, pod) in page.pods.iter().enumerate() {
            if at > 0 {
                parts.push(Bytes::from_static(b","));
            }
            parts.push(pod.object.clone());
        }
        parts.push(Bytes::from_static(b"]}\n"));
        let length: usize = parts.iter().map(Bytes::len).sum();
        if length <= AT_ONCE && *self.shared.health.borrow() != Health::ListsStall {
            return whole(StatusCode::OK, "application/json", parts.concat().into());
        }
        let accepts = text(&self.headers, ACCEPT_ENCODING).is_some_and(|accepted| accepted.contains("gzip"));
        let gzip = accepts && length >= COMPRESSED_FROM;
        let parts = Parts {
            rest: parts.into_iter(),
            encoder: gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast())),
            begun: false,
        };
        let state = (parts, self.entry.clone(), Arc::clone(&self.shared));
        streamed(
            gzip,
            stream::unfold(state, |(mut parts, entry, shared)| async move {
                if parts.begun {
                    shared.until_lists_go_on().await;
                }
                let chunk = parts.next()?;
                entry.sent(chunk.len());
                Some((chunk, (parts, entry, shared)))
            }),
        )
    }

    fn watch(&self) -> Answer {
        let selector = Selector::read(&self.question).map_err(|why| status::bad_request(&why))?;
        let question = &self.question;
        let initial_events = question.flag("sendInitialEvents");
        let asked = self.version()?.unwrap_or(0);
        let begin = if initial_events || asked == 0 { Begin::Everything } else { Begin::After(asked) };
        let shared = &self.shared;
        let seconds = question.parameter("timeoutSeconds").and_then(|text| text.parse().ok());
        let life = seconds.map_or_else(|| LIFE + shared.spread(LIFE), Duration::from_secs);
        let wish = Wish {
            ends: Instant::now() + life,
            bookmarks: question.flag("allowWatchBookmarks").then_some(shared.options.bookmarks),
            initial_events,
            from: if initial_events { 0 } else { asked },
        };
        match shared.store.watch(selector, begin) {
            Ok(opened) => {
                let watching = Watching::new(
                    shared.store.clone(),
                    Arc::clone(&shared.fairness),
                    shared.health.subscribe(),
                    self.entry.clone(),
                    wish,
                    opened,
                );
                Ok(streamed(
                    false,
                    stream::unfold(watching, |mut watching| async move {
                        Some((watching.next().await?, watching))
                    }),
                ))
            }
            Err(oldest) => {
                let line = gone(asked, oldest.0);
                self.entry.sent(line.len());
                Ok(streamed(false, stream::iter([line])))
            }
        }
    }
}

/// The parts of a list on their way, compressed or not.
struct Parts {
    rest: std::vec::IntoIter<Bytes>,
    encoder: Option<GzEncoder<Vec<u8>>>,
    begun: bool,
}

/// As much as is sent at a time, where there is that much.
const CHUNK: usize = 16 << 10;

impl Parts {
    fn next(&mut self) -> Option<Bytes> {
        self.begun = true;
        let Some(mut encoder) = self.encoder.take() else { return self.plain() };
        for part in self.rest.by_ref() {
            // Writing to memory does not fail.
            drop(encoder.write_all(&part));
            if encoder.get_ref().len() >= CHUNK {
                let chunk = std::mem::take(encoder.get_mut());
                self.encoder = Some(encoder);
                return Some(chunk.into());
            }
        }
        encoder.finish().ok().filter(|end| !end.is_empty()).map(Bytes::from)
    }

    fn plain(&mut self) -> Option<Bytes> {
        let mut chunk = Vec::new();
        while chunk.len() < CHUNK
            && let Some(part) = self.rest.next()
        {
            chunk.extend_from_slice(&part);
        }
        (!chunk.is_empty()).then(|| chunk.into())
    }
}

/// The version and the last pod that a token for the rest of a list stands for.
fn continued(token: &str) -> Result<(u64, Key), Refusal> {
    let mut parts = token.splitn(3, '.');
    let version = parts.next().and_then(|text| text.parse().ok());
    match (version, parts.next(), parts.next()) {
        (Some(version), Some(namespace), Some(name)) => {
            Ok((version, (namespace.to_owned(), name.to_owned())))
        }
        _ => Err(status::bad_request("continue key is not valid")),
    }
}

async fn read(body: Incoming) -> Result<Value, Refusal> {
    let body = Limited::new(body, MAX_BODY).collect().await;
    let body = body.map_err(|_| status::bad_request("a body that is cut off or too long"))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|why| status::bad_request(&why.to_string()))
}

/// The paths that are no resource.
fn plain(path: &str) -> Response<Body> {
    match path {
        "/version" => {
            let version = serde_json::json!({
                "major": "1", "minor": "36", "gitVersion": "v1.36.3+simulated", "platform": "linux/amd64",
            });
            json_response(StatusCode::OK, &version)
        }
        _ => whole(StatusCode::OK, "text/plain; charset=utf-8", Bytes::from_static(b"ok")),
    }
}
