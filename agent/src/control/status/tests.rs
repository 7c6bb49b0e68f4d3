use super::*;

/// A status in which everything is known.
fn full() -> Status {
    let text = |text: &str| text.to_owned();
    Status {
        schema: SCHEMA.to_owned(),
        health: Health { live: true, ready: true, reason: None },
        process: Process {
            role: text("agent"),
            version: text("0.1.0"),
            pid: 7,
            started: text("2026-11-21T05:00:00Z"),
            uptime_s: 3_723,
        },
        config: Config {
            source: text("/etc/tare/tare.yaml"),
            hash: Some(text("crc32c:1a2b3c4d")),
            since: Some(text("2026-11-21T05:00:00Z")),
            refused: Some(text("tare.yaml:3: unknown key `intervall`")),
        },
        pause: Pause {
            paused: true,
            until: Some(text("2026-11-21T07:00:00Z")),
            cause: Some(text("file")),
            file: text("/var/lib/tare/pause"),
        },
        budget: Some(Budget {
            state: text("paused"),
            why: Some(text("a person said stop")),
            dry_run: false,
            requests_per_second: 50.0,
            nodes: 1_250,
            nodes_source: text("probed"),
            turn_period_s: 160,
            next_turn: Some(text("2026-11-21T07:01:00Z")),
            watch: Watch { open_s: Some(61), staleness_s: Some(2), pods: 31, confirmed: true },
            requests: vec![Requests {
                verb: text("list"),
                resource: text("pods"),
                reason: text("list"),
                status: text("200"),
                count: 1,
            }],
            last_error: Some(trouble("429 Too Many Requests")),
        }),
        kubelet: Some(Kubelet {
            mode: text("slots"),
            why: None,
            address: Some(text("192.0.2.7:10250")),
            access: Some(text("token")),
            trust: Some(text("pinned to /kubelet.crt")),
            interval_s: Some(210),
            summary_up: Some(true),
            pods_up: Some(false),
            last_success: Some(text("2026-11-21T06:03:00Z")),
            last_error: Some(trouble("the kubelet answered /pods with 403")),
        }),
        rungs: BTreeMap::new(),
        outputs: vec![output()],
        collectors: vec![Collector {
            name: text("cpu"),
            scrapes: 5,
            failed: 1,
            samples: 100,
            last_error: Some(trouble("/proc/stat: gone")),
        }],
        state_dir: Some(StateDir {
            path: text("/var/lib/tare"),
            locked: true,
            trouble: Some(text("full")),
            errors: vec![StateError { file: text("index.v1"), reason: text("corrupt"), count: 1 }],
        }),
        supervisor: Some(Supervisor {
            pid: 1,
            restarts: 2,
            last_end: Some(text("the agent was ended by signal 9")),
            next_start_s: None,
        }),
    }
}

/// An output of which everything is known.
fn output() -> Output {
    let text = |text: &str| text.to_owned();
    Output {
        name: text("default"),
        endpoint: text("https://collector.test:4318"),
        proxy: Some(text("http://proxy.test:3128")),
        last_success: Some(text("2026-11-21T06:02:00Z")),
        last_error: Some(trouble("connection refused")),
        failures_in_a_row: 3,
        queue_requests: 2,
        queue_bytes: 4_096,
        queue_limit_bytes: 4_194_304,
        oldest_sample: Some(text("2026-11-21T06:01:00Z")),
        dns: Some(Dns {
            host: text("proxy.test"),
            addresses: vec![text("192.0.2.1"), text("192.0.2.2")],
            stale_s: 95,
            last_error: Some(text("no name server answered")),
        }),
        disk: Some(DiskLog {
            requests: 5,
            bytes: 8_192,
            limit_bytes: 268_435_456,
            evicted_requests: 4,
            damaged: 1,
            trouble: Some(text("the disk is full")),
        }),
    }
}

fn trouble(text: &str) -> Trouble {
    Trouble { at: "2026-11-21T06:00:00Z".to_owned(), text: text.to_owned() }
}

#[test]
fn people_see_what_matters_first_and_one_fact_a_line() {
    let expected = "\
health       ready
agent        tare 0.1.0, process 7, up 1h 2m 3s
config       /etc/tare/tare.yaml (crc32c:1a2b3c4d) since 2026-11-21T05:00:00Z
             a newer one is refused: tare.yaml:3: unknown key `intervall`
paused       until 2026-11-21T07:00:00Z, by file (/var/lib/tare/pause)
API budget   paused: a person said stop
             ceiling 50 requests/s, 1250 nodes (probed)
             a turn every 2m 40s, next 2026-11-21T07:01:00Z
watch        open for 1m 1s, 2s old, 31 pods
requests     list pods (list): 200 x 1
             last error 2026-11-21T06:00:00Z: 429 Too Many Requests
kubelet      slots, every 3m 30s
             192.0.2.7:10250, access token, verified by pinned to /kubelet.crt
             summary up, pods down, last success 2026-11-21T06:03:00Z
             last error 2026-11-21T06:00:00Z: the kubelet answered /pods with 403
output       default to https://collector.test:4318 through http://proxy.test:3128: last success 2026-11-21T06:02:00Z
             2 requests wait (4096 of 4194304 bytes)
             5 requests wait on the disk (8192 of 268435456 bytes)
             4 were deleted from it for newer ones
             1 places on the disk were damaged
             the disk is not used: the disk is full
             oldest sample that waits 2026-11-21T06:01:00Z
             the 2 addresses of proxy.test have been stale for 1m 35s
             cannot resolve proxy.test: no name server answered
             3 failures in a row
             last error 2026-11-21T06:00:00Z: connection refused
collectors   cpu
             cpu: /proc/stat: gone (2026-11-21T06:00:00Z)
state        /var/lib/tare, memory only: full
             index.v1: corrupt (1)
supervisor   process 1, 2 restarts
             last end: the agent was ended by signal 9
";
    assert_eq!(table::render(&full()), expected);
}

#[test]
fn a_status_comes_back_from_json_as_it_was() {
    let json = serde_json::to_string(&full()).unwrap();
    assert!(json.starts_with("{\"schema\":\"tare.status/v1\""), "{json}");
    assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), full());
}

#[test]
fn a_later_agents_additional_fields_do_not_confuse_an_earlier_client() {
    let mut json = serde_json::to_value(full()).unwrap();
    json["more"] = true.into();
    json["health"]["mood"] = "good".into();
    assert_eq!(serde_json::from_value::<Status>(json).unwrap(), full());
}

#[test]
fn a_text_from_elsewhere_is_one_line_of_bounded_length() {
    assert_eq!(line("a\u{1b}[2Jb\nc"), "a [2Jb c");
    let long = line(&"ä".repeat(10_000));
    assert_eq!(long.chars().count(), MAX_TEXT + 1);
    assert_eq!(line(&"ä".repeat(MAX_TEXT)), "ä".repeat(MAX_TEXT));
}
