//! The two questions of a kubelet: whose token is this, and may its owner read that of my node. Pure.

use serde_json::{Value, json};

use super::access::Accounts;

/// Answers a `TokenReview`.
pub(super) fn token(accounts: &Accounts, mut review: Value) -> Value {
    let user = review["spec"]["token"].as_str().and_then(|token| accounts.identify(token));
    review["status"] = match user {
        Some(user) => json!({
            "authenticated": true,
            "user": {"username": user.name, "groups": ["system:authenticated"]},
            "audiences": ["https://kubernetes.default.svc"],
        }),
        None => json!({"user": {}, "error": "[invalid bearer token, unknown]"}),
    };
    review
}

/// Answers a `SubjectAccessReview`.
pub(super) fn access(accounts: &Accounts, mut review: Value) -> Value {
    let spec = &review["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let about = &spec["resourceAttributes"];
    let subresource = text(&about["subresource"]);
    let asks = text(&about["verb"]) == "get" && text(&about["resource"]) == "nodes";
    let user = spec["user"].as_str().and_then(|name| accounts.named(name));
    let allowed = asks && user.is_some_and(|user| user.may_read_node(&subresource));
    review["status"] = json!({"allowed": allowed});
    review
}
