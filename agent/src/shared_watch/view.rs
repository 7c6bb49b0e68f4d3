//! The informer's report as `tare status` shows it.

use shared_informer::informer::report::Report;
use shared_informer::size::Source;

use crate::control::{status, time};

/// The part of the status that tells of the API server.
pub(super) fn budget(report: &Report) -> status::Budget {
    let requests = report.requests.iter().map(|(key, count)| status::Requests {
        verb: key.asked.verb.as_str().to_owned(),
        resource: key.asked.resource.as_str().to_owned(),
        reason: key.asked.reason.as_str().to_owned(),
        status: key.status.as_str().to_owned(),
        count,
    });
    status::Budget {
        state: report.state.as_str().to_owned(),
        why: why(report),
        dry_run: report.dry_run,
        requests_per_second: report.in_force.requests(),
        nodes: report.nodes_used,
        nodes_source: source(report.nodes_source).to_owned(),
        turn_period_s: report.turn_period.as_secs(),
        next_turn: Some(time::text(report.next_turn)),
        watch: status::Watch {
            open_s: report.watch_open.map(|open| open.as_secs()),
            staleness_s: report.staleness.map(|age| age.as_secs()),
            pods: report.pods as u64,
            confirmed: report.confirmed,
        },
        requests: requests.collect(),
        last_error: report
            .trouble
            .as_ref()
            .map(|trouble| status::Trouble { at: time::text(trouble.at), text: status::line(&trouble.what) }),
    }
}

fn why(report: &Report) -> Option<String> {
    if report.fleet_paused {
        return Some("the annotation tare.dev/pause of the DaemonSet".to_owned());
    }
    let is_rising = report.in_force != report.configured;
    is_rising.then(|| "a higher ceiling is on its way in the steps of a rollout".to_owned())
}

const fn source(source: Source) -> &'static str {
    match source {
        Source::Declared => "declared",
        Source::Probed => "probed",
        Source::Remembered => "remembered",
        Source::Hint => "hint",
        Source::Assumed => "assumed",
    }
}
