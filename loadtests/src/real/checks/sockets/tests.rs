use super::*;

/// Two or three turns of ten seconds for each phase: the shipped driver against the simulated server. A node's pods are
/// more than what is sent uncompressed.
#[test]
fn the_shipped_drivers_own_bill_is_the_simulated_servers_count_and_one_request_past_the_gate_is_seen() {
    let size = Size {
        agents: 8,
        pods_each: 30,
        requests_per_second: 50.0,
        turn: Duration::from_secs(10),
        alone: Duration::from_millis(100),
    };
    let folder = tempfile::tempdir().unwrap();
    let facts = simulated::run(&folder.path().join("account"), size).unwrap();
    let outcome = facts::outcome("sockets", &facts);
    assert!(outcome.failures.is_empty(), "{}", outcome.text);
    assert!(outcome.text.contains("one request past the gate"), "{}", outcome.text);
}
