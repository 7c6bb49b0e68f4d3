//! What the server says when it does not do what it was asked: `Status` objects with the words of the real one. Pure.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::access::User;
use super::question::Question;

/// A refusal: its status, its body, and a wish for when to come again, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) code: StatusCode,
    /// A `Status` as JSON; none for answers that are plain text.
    pub(super) body: Result<Value, &'static str>,
    pub(super) retry_after: Option<u64>,
}

/// A `Status` that tells of a failure.
fn failure(code: u16, reason: &str, message: &str, details: Option<Value>) -> Value {
    let mut status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    if let Some(details) = details {
        status["details"] = details;
    }
    status
}

fn refusal(code: StatusCode, reason: &str, message: &str, details: Option<Value>) -> Refusal {
    Refusal { code, body: Ok(failure(code.as_u16(), reason, message, details)), retry_after: None }
}

/// Nobody knows the token.
pub(super) fn unauthorized() -> Refusal {
    refusal(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized", None)
}

/// The user may not.
pub(super) fn forbidden(user: &User, question: &Question) -> Refusal {
    let (user, verb) = (&user.name, &question.verb);
    if question.resource.is_empty() {
        let message = format!("forbidden: User {user:?} cannot {verb} path {:?}", question.path);
        return refusal(StatusCode::FORBIDDEN, "Forbidden", &message, Some(json!({})));
    }
    let (group, kind) = (&question.group, question.group_resource());
    let resource = question.resource_with_subresource();
    let place = question
        .namespace
        .as_ref()
        .map_or("at the cluster scope".to_owned(), |namespace| format!("in the namespace {namespace:?}"));
    let named = question.name.as_ref().map_or(String::new(), |name| format!(" {name:?}"));
    let message = format!(
        "{kind}{named} is forbidden: User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}"
    );
    let mut details = json!({"kind": question.resource});
    if let Some(name) = &question.name {
        details["name"] = name.as_str().into();
    }
    if !group.is_empty() {
        details["group"] = group.as_str().into();
    }
    refusal(StatusCode::FORBIDDEN, "Forbidden", &message, Some(details))
}

/// There is no such thing.
pub(super) fn not_found(question: &Question) -> Refusal {
    let Some(name) = &question.name else {
        let message = "the server could not find the requested resource";
        return refusal(StatusCode::NOT_FOUND, "NotFound", message, Some(json!({})));
    };
    let message = format!("{} {name:?} not found", question.group_resource());
    let mut details = json!({"name": name, "kind": question.resource});
    if !question.group.is_empty() {
        details["group"] = question.group.as_str().into();
    }
    refusal(StatusCode::NOT_FOUND, "NotFound", &message, Some(details))
}

/// The question cannot be understood.
pub(super) fn bad_request(message: &str) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, "BadRequest", message, None)
}

/// A LIST from a version that this server has not reached.
pub(super) fn too_large(asked: u64, current: u64) -> Refusal {
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    let causes = json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]);
    let details = json!({"causes": causes, "retryAfterSeconds": 1});
    let refused = refusal(StatusCode::GATEWAY_TIMEOUT, "Timeout", &message, Some(details));
    Refusal { retry_after: Some(1), ..refused }
}

/// What a watch from a version that is too old begins and ends with.
pub(super) fn expired(asked: u64, oldest: u64) -> Value {
    failure(410, "Expired", &format!("too old resource version: {asked} ({oldest})"), None)
}

/// The client takes none of the forms that this server has.
pub(super) fn not_acceptable() -> Refusal {
    let message = "only the following media types are accepted: application/json";
    refusal(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message, None)
}

/// Priority & Fairness has no room, or the server was told to say so.
pub(super) fn too_many(retry_after: u64) -> Refusal {
    let text = "Too many requests, please try again later.\n";
    Refusal { code: StatusCode::TOO_MANY_REQUESTS, body: Err(text), retry_after: Some(retry_after) }
}

/// The server is ill, and was told to say this.
pub(super) fn ill(code: u16) -> Refusal {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let reason = if code == StatusCode::SERVICE_UNAVAILABLE { "ServiceUnavailable" } else { "InternalError" };
    refusal(code, reason, "the server is currently unable to handle the request", None)
}
