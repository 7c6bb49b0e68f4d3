//! The script: who asks what, and what has to come of it.
//!
//! `{node}` is the node whose pods are asked for, `{now}` the version of the last list, `{ahead}` one far above it, `{more}`
//! the token for the rest of the last list, `{agent}` the agent's own token.

/// The node.
pub(crate) const NODE: &str = "node-0000";

/// How many pods there are at first, and on how many nodes; half of them are on [`NODE`], and run.
pub(crate) const PODS: usize = 6;
/// See [`PODS`].
pub(crate) const NODES: usize = 2;

/// A pod that comes and goes.
pub(crate) const LATE: usize = 100;
/// One of another node.
pub(crate) const ELSEWHERE: usize = 101;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// An account with the product's rights.
    Agent,
    /// An account without any.
    Bare,
    /// Somebody with a token that nobody gave out.
    Forged,
    /// Somebody without a token.
    Anonymous,
    /// A member of `system:masters`.
    Admin,
}

/// What changes meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// A pod is created; its node is its number modulo [`NODES`].
    Create(usize),
    /// Its containers run.
    Run(usize),
    /// It has succeeded.
    Succeed(usize),
    /// It is deleted.
    Delete(usize),
}

/// How something is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    /// GET.
    Get,
    /// POST of this object.
    Post(&'static str),
    /// A watch: while it is open `acts` happen, and then at least so many events come.
    Watch {
        /// What changes.
        acts: &'static [Act],
        /// How many events have to come.
        events: usize,
    },
}

/// A request.
#[derive(Debug)]
pub(crate) struct Step {
    /// For people.
    pub(crate) what: &'static str,
    pub(crate) who: Who,
    pub(crate) path: &'static str,
    pub(crate) how: How,
    /// What a client sees, in a line.
    pub(crate) expected: &'static str,
}

const fn get(what: &'static str, who: Who, path: &'static str, expected: &'static str) -> Step {
    Step { what, who, path, how: How::Get, expected }
}

const fn watch(
    what: &'static str,
    path: &'static str,
    acts: &'static [Act],
    events: usize,
    expected: &'static str,
) -> Step {
    Step { what, who: Who::Agent, path, how: How::Watch { acts, events }, expected }
}

/// The pods of the node that have not ended, and more parameters.
macro_rules! own {
    ($parameters:literal) => {
        concat!(
            "/api/v1/pods?fieldSelector=spec.nodeName%3D{node}%2Cstatus.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed&",
            $parameters
        )
    };
}

const LIST: &str = own!("resourceVersion=0&limit=110");
const DAEMON_SET: &str = "/apis/apps/v1/namespaces/tare/daemonsets/tare?resourceVersion=0";
const TOKENS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESSES: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// Every step, in order.
pub(crate) static SCRIPT: &[Step] = &[
    get("LIST of a node from the cache", Who::Agent, LIST, "200 PodList of 3"),
    get(
        "LIST from the cache does not page",
        Who::Agent,
        own!("resourceVersion=0&limit=2"),
        "200 PodList of 3",
    ),
    get("LIST without a version pages", Who::Agent, own!("limit=2"), "200 PodList of 2 and more"),
    get("the rest of that LIST", Who::Agent, own!("limit=2&continue={more}"), "200 PodList of 1"),
    get(
        "LIST of a node without pods",
        Who::Agent,
        "/api/v1/pods?fieldSelector=spec.nodeName%3Dnowhere&resourceVersion=0",
        "200 PodList of 0",
    ),
    get("LIST of every pod", Who::Agent, "/api/v1/pods?resourceVersion=0", "200 PodList of 6"),
    get("LIST from a version that is known", Who::Agent, own!("resourceVersion={now}"), "200 PodList of 3"),
    get(
        "LIST from a version from the future",
        Who::Agent,
        own!("resourceVersion={ahead}&limit=110"),
        "504 Timeout: Timeout: Too large resource version: N, current: N; come again in 1 s",
    ),
    get(
        "LIST by an unknown field",
        Who::Agent,
        "/api/v1/pods?fieldSelector=spec.color%3Dred",
        "400 BadRequest: field label not supported: spec.color",
    ),
    get("GET of the DaemonSet", Who::Agent, DAEMON_SET, "200 DaemonSet wanted on 2"),
    watch(
        "WATCH from a version: what happens to the node's pods",
        own!("watch=true&resourceVersion={now}&allowWatchBookmarks=true&timeoutSeconds=600"),
        &[Act::Create(ELSEWHERE), Act::Create(LATE), Act::Run(LATE), Act::Succeed(LATE), Act::Delete(LATE)],
        3,
        "200 ADDED, MODIFIED, DELETED, silence",
    ),
    watch(
        "WATCH from a version: what happened since",
        own!("watch=1&resourceVersion={now}&allowWatchBookmarks=true&timeoutSeconds=600"),
        &[],
        3,
        "200 ADDED, MODIFIED, DELETED, silence",
    ),
    watch(
        "WATCH for three seconds: ended in order",
        own!("watch=1&resourceVersion={now}&timeoutSeconds=3"),
        &[],
        4,
        "200 ADDED, MODIFIED, DELETED, end",
    ),
    watch(
        "WATCH with bookmarks: one before its end",
        own!("watch=1&resourceVersion={now}&allowWatchBookmarks=true&timeoutSeconds=8"),
        &[Act::Delete(ELSEWHERE)],
        5,
        "200 ADDED, MODIFIED, DELETED, BOOKMARK, end",
    ),
    watch(
        "WATCH with initial events",
        own!(
            "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=600"
        ),
        &[],
        4,
        "200 ADDED, ADDED, ADDED, BOOKMARK, silence",
    ),
    watch(
        "WATCH from any version",
        own!("watch=true&resourceVersion=0&timeoutSeconds=600"),
        &[],
        3,
        "200 ADDED, ADDED, ADDED, silence",
    ),
    watch(
        "WATCH from a version that is too old",
        own!("watch=true&resourceVersion=1&allowWatchBookmarks=true&timeoutSeconds=600"),
        &[],
        2,
        "200 ERROR 410, end",
    ),
    watch(
        "WATCH from a version from the future",
        own!("watch=true&resourceVersion={ahead}&allowWatchBookmarks=true&timeoutSeconds=600"),
        &[],
        0,
        "200 silence",
    ),
    get("a forged token", Who::Forged, LIST, "401 Unauthorized: Unauthorized"),
    get(
        "no token",
        Who::Anonymous,
        LIST,
        "403 Forbidden: pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API group \"\" at the \
         cluster scope",
    ),
    get(
        "LIST without the right",
        Who::Bare,
        LIST,
        "403 Forbidden: pods is forbidden: User \"system:serviceaccount:tare:bare\" cannot list resource \"pods\" in API \
         group \"\" at the cluster scope",
    ),
    get(
        "WATCH without the right",
        Who::Bare,
        own!("watch=true&resourceVersion={now}"),
        "403 Forbidden: pods is forbidden: User \"system:serviceaccount:tare:bare\" cannot watch resource \"pods\" in API \
         group \"\" at the cluster scope",
    ),
    get(
        "GET of the DaemonSet without the right",
        Who::Bare,
        DAEMON_SET,
        "403 Forbidden: daemonsets.apps \"tare\" is forbidden: User \"system:serviceaccount:tare:bare\" cannot get resource \
         \"daemonsets\" in API group \"apps\" in the namespace \"tare\"",
    ),
    get(
        "GET of another DaemonSet",
        Who::Agent,
        "/apis/apps/v1/namespaces/tare/daemonsets/another",
        "403 Forbidden: daemonsets.apps \"another\" is forbidden: User \"system:serviceaccount:tare:tare\" cannot get \
         resource \"daemonsets\" in API group \"apps\" in the namespace \"tare\"",
    ),
    get(
        "LIST of nodes",
        Who::Agent,
        "/api/v1/nodes?resourceVersion=0&limit=1",
        "403 Forbidden: nodes is forbidden: User \"system:serviceaccount:tare:tare\" cannot list resource \"nodes\" in API \
         group \"\" at the cluster scope",
    ),
    get(
        "a path that is no resource",
        Who::Agent,
        "/secrets",
        "403 Forbidden: forbidden: User \"system:serviceaccount:tare:tare\" cannot get path \"/secrets\"",
    ),
    get(
        "GET of a DaemonSet that is not there",
        Who::Admin,
        "/apis/apps/v1/namespaces/tare/daemonsets/another",
        "404 NotFound: daemonsets.apps \"another\" not found",
    ),
    get("a path that anyone may read", Who::Anonymous, "/readyz", "200 ok"),
    Step {
        what: "whose token it is",
        who: Who::Admin,
        path: TOKENS,
        how: How::Post(
            r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"{agent}"}}"#,
        ),
        expected: "201 TokenReview: system:serviceaccount:tare:tare",
    },
    Step {
        what: "whose a forged token is",
        who: Who::Admin,
        path: TOKENS,
        how: How::Post(
            r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"forged"}}"#,
        ),
        expected: "201 TokenReview: nobody, with an error",
    },
    Step {
        what: "whether somebody may do anything to a node",
        who: Who::Admin,
        path: ACCESSES,
        how: How::Post(
            r#"{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"user":"system:serviceaccount:tare:bare","resourceAttributes":{"verb":"get","version":"v1","resource":"nodes","subresource":"proxy","name":"node-0000"}}}"#,
        ),
        expected: "201 SubjectAccessReview: denied",
    },
];
