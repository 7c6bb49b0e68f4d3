use super::*;

fn asked(method: &str, path: &str) -> String {
    let question = Question::read(method, path);
    let (namespace, name) =
        (question.namespace.clone().unwrap_or_default(), question.name.clone().unwrap_or_default());
    format!("{} {} {namespace} {name} {}", question.verb, question.group_resource(), question.subresource)
}

#[test]
fn paths_are_named_as_the_audit_log_names_them() {
    for (method, path, expected) in [
        ("GET", "/api/v1/pods?limit=5", "list pods   "),
        ("GET", "/api/v1/pods?watch=true", "watch pods   "),
        ("GET", "/api/v1/namespaces/a/pods?watch=1", "watch pods a  "),
        ("GET", "/api/v1/namespaces/a/pods/b/log", "get pods a b log"),
        ("GET", "/api/v1/namespaces/a", "get namespaces  a "),
        ("GET", "/apis/apps/v1/namespaces/a/daemonsets/b?resourceVersion=0", "get daemonsets.apps a b "),
        (
            "POST",
            "/apis/authentication.k8s.io/v1/tokenreviews",
            "create tokenreviews.authentication.k8s.io   ",
        ),
        ("DELETE", "/api/v1/namespaces/a/pods", "deletecollection pods a  "),
        ("GET", "/readyz", "get    "),
        ("GET", "/apis/apps/v1", "get    "),
    ] {
        assert_eq!(asked(method, path), expected, "{method} {path}");
    }
}

fn selects(selector: &str, node: &str, phase: &str) -> bool {
    let question = Question::read("GET", &format!("/api/v1/pods?fieldSelector={selector}"));
    let fields = Fields { node, phase, name: "pod", namespace: "team" };
    Selector::read(&question).unwrap().selects(fields)
}

#[test]
fn a_selector_takes_all_of_its_terms_together_encoded_or_not() {
    let own = "spec.nodeName%3Da%2Cstatus.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed";
    assert!(selects(own, "a", "Running") && selects(own, "a", "Pending"));
    assert!(!selects(own, "b", "Running") && !selects(own, "a", "Succeeded") && !selects(own, "a", "Failed"));
    assert!(
        selects("status.phase==Running", "x", "Running") && !selects("status.phase==Running", "x", "Failed")
    );
    assert!(selects("spec.nodeName=a%5C%2Cb", "a,b", "Running") && selects("", "any", "Running"));
}

#[test]
fn an_unknown_label_is_refused_with_its_name() {
    let question = Question::read("GET", "/api/v1/pods?fieldSelector=spec.color=red");
    let said = Selector::read(&question).unwrap_err();
    assert!(said.ends_with("field label not supported: spec.color"), "{said}");
    assert!(Selector::read(&Question::read("GET", "/api/v1/pods?fieldSelector=x")).is_err());
    assert!(Selector::read(&Question::read("GET", "/api/v1/pods?labelSelector=a%3Db")).is_err());
}
