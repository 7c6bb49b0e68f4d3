use super::*;
use crate::control::protocol::Probe;

struct Agent {
    panel: Panel,
    _folder: tempfile::TempDir,
}

fn agent() -> Agent {
    let folder = tempfile::tempdir().unwrap();
    let state = Arc::new(StateDir::open(folder.path()).unwrap());
    let switch = Arc::new(Switch::new(folder.path().join("pause"), clock::wall()));
    Agent { panel: Panel::new(switch, state, None), _folder: folder }
}

fn ready(panel: &Panel) -> bool {
    matches!(panel.respond(Request::Health { probe: Probe::Ready }), Answer::Health { ok: true, .. })
}

#[test]
fn an_agent_is_ready_while_it_runs_and_alive_as_long_as_it_answers() {
    let Agent { panel, _folder } = agent();
    for (phase, expected) in [(Phase::Starting, false), (Phase::Running, true), (Phase::Stopping, false)] {
        panel.set_phase(phase);
        assert_eq!(ready(&panel), expected, "{phase:?}");
        let live = panel.respond(Request::Health { probe: Probe::Live });
        assert_eq!(live, Answer::Health { ok: true, reason: None });
    }
}

#[test]
fn neither_a_pause_nor_a_budget_in_distress_nor_a_dead_backend_makes_an_agent_unready() {
    let Agent { panel, _folder } = agent();
    panel.set_phase(Phase::Running);
    panel.set_budget(Some(Arc::new(|| status::Budget {
        state: "exhausted".to_owned(),
        ..Default::default()
    })));
    let (queue, output) =
        exporter::output::Output::new(&exporter::output::Settings::new("o", "http://127.0.0.1:9")).unwrap();
    panel.set_sources(Arc::default(), vec![output.monitor()]);
    drop(queue);
    panel.respond(Request::Pause { for_s: None });
    assert!(ready(&panel));
    let status = panel.status(clock::wall());
    assert!(status.pause.paused && status.outputs[0].last_success.is_none());
    assert_eq!(status.budget.unwrap().state, "exhausted");
}

#[test]
fn a_refused_reload_is_told_until_the_next_one_is_taken() {
    let Agent { panel, _folder } = agent();
    panel.set_config("tare.yaml".to_owned(), Some("crc32c:1".to_owned()));
    panel.set_refused("line 3\nunknown key");
    let config = panel.status(clock::wall()).config;
    assert_eq!(
        (config.source.as_str(), config.refused.as_deref()),
        ("tare.yaml", Some("line 3 unknown key"))
    );
    panel.set_config("tare.yaml".to_owned(), Some("crc32c:2".to_owned()));
    let config = panel.status(clock::wall()).config;
    assert_eq!((config.hash.as_deref(), config.refused), (Some("crc32c:2"), None));
}

#[test]
fn a_collector_tells_its_last_error() {
    let Agent { panel, _folder } = agent();
    let registry = Arc::new(Registry::default());
    registry.collector("cpu").keep_error(1_795_244_279_000_000_000, "/proc/stat: gone");
    panel.set_sources(registry, Vec::new());
    let collector = panel.status(clock::wall()).collectors.remove(0);
    let error = collector.last_error.unwrap();
    assert_eq!((error.at.as_str(), error.text.as_str()), ("2026-11-21T06:57:59Z", "/proc/stat: gone"));
}

#[test]
fn an_output_tells_its_proxy_without_credentials_its_name_its_queue_and_its_disk() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("a-file");
    std::fs::write(&taken, "").unwrap();
    let proxy = exporter::proxy::from_environment(|name| {
        (name == "HTTP_PROXY").then(|| "http://user:s3cret@proxy.test:3128".to_owned())
    });
    let settings = exporter::output::Settings {
        proxy: proxy.unwrap(),
        disk: Some(exporter::disk::Settings::new(taken)),
        ..exporter::output::Settings::new("o", "http://collector.test/v1/metrics")
    };
    let (_queue, to) = exporter::output::Output::new(&settings).unwrap();
    // The log opens its folder on a thread of its own.
    let told = loop {
        let told = output(&to.monitor().status());
        if told.disk.as_ref().unwrap().trouble.is_some() {
            break told;
        }
        std::thread::yield_now();
    };
    assert_eq!(told.proxy.as_deref(), Some("http://proxy.test:3128"));
    assert_eq!(told.queue_limit_bytes, settings.queue.max_bytes as u64);
    let dns = told.dns.as_ref().unwrap();
    assert_eq!((dns.host.as_str(), dns.addresses.len(), dns.stale_s), ("proxy.test", 0, 0));
    assert_eq!(told.disk.as_ref().unwrap().limit_bytes, 256 << 20);
    assert!(!serde_json::to_string(&told).unwrap().contains("s3cret"));
}
