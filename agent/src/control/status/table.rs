//! A status for people: what matters first, one fact a line, nothing that is not known.

use std::fmt::{self, Write as _};

use super::{Budget, Collector, DiskLog, Dns, Kubelet, Output, Status, Trouble};
use crate::control::time;

/// The width of the names on the left.
const NAMES: usize = 12;

/// The whole of it, ending with a line end.
pub fn render(status: &Status) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, status);
    text
}

fn write(out: &mut String, status: &Status) -> fmt::Result {
    let health = &status.health;
    let word = match (health.live, health.ready) {
        (true, true) => "ready",
        (true, false) => "not ready",
        (false, _) => "not live",
    };
    let because = health.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    fact(out, "health", &format!("{word}{because}"))?;
    let process = &status.process;
    let up = time::duration(process.uptime_s);
    fact(out, &process.role, &format!("tare {}, process {}, up {up}", process.version, process.pid))?;
    let config = &status.config;
    let hash = config.hash.as_ref().map(|hash| format!(" ({hash})")).unwrap_or_default();
    let since = config.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
    fact(out, "config", &format!("{}{hash}{since}", config.source))?;
    if let Some(refused) = &config.refused {
        fact(out, "", &format!("a newer one is refused: {refused}"))?;
    }
    let pause = &status.pause;
    if pause.paused {
        let until = pause.until.as_deref().unwrap_or("`tare resume`");
        let cause = pause.cause.as_deref().unwrap_or("?");
        fact(out, "paused", &format!("until {until}, by {cause} ({})", pause.file))?;
    } else {
        fact(out, "paused", "no")?;
    }
    match &status.budget {
        Some(budget) => write_budget(out, budget)?,
        None => fact(out, "API budget", "nothing is asked of the API server")?,
    }
    if let Some(kubelet) = &status.kubelet {
        write_kubelet(out, kubelet)?;
    }
    if !status.rungs.is_empty() {
        let rungs =
            status.rungs.iter().map(|(name, up)| format!("{name} {}", if *up { "up" } else { "down" }));
        fact(out, "sources", &rungs.collect::<Vec<_>>().join(", "))?;
    }
    status.outputs.iter().try_for_each(|output| write_output(out, output))?;
    write_collectors(out, &status.collectors)?;
    if let Some(state) = &status.state_dir {
        let lock = if state.locked { "" } else { ", not locked" };
        let trouble = state.trouble.as_ref().map(|reason| format!(", memory only: {reason}"));
        fact(out, "state", &format!("{}{lock}{}", state.path, trouble.unwrap_or_default()))?;
        for error in &state.errors {
            fact(out, "", &format!("{}: {} ({})", error.file, error.reason, error.count))?;
        }
    }
    if let Some(supervisor) = &status.supervisor {
        let next = supervisor.next_start_s.map(|wait| format!(", next start in {}", time::duration(wait)));
        let restarts = format!("process {}, {} restarts", supervisor.pid, supervisor.restarts);
        fact(out, "supervisor", &format!("{restarts}{}", next.unwrap_or_default()))?;
        if let Some(end) = &supervisor.last_end {
            fact(out, "", &format!("last end: {end}"))?;
        }
    }
    Ok(())
}

fn write_budget(out: &mut String, budget: &Budget) -> fmt::Result {
    let why = budget.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let dry = if budget.dry_run { ", dry run: nothing is sent" } else { "" };
    fact(out, "API budget", &format!("{}{why}{dry}", budget.state))?;
    let ceiling = budget.requests_per_second;
    fact(
        out,
        "",
        &format!("ceiling {ceiling} requests/s, {} nodes ({})", budget.nodes, budget.nodes_source),
    )?;
    let next = budget.next_turn.as_ref().map(|next| format!(", next {next}")).unwrap_or_default();
    fact(out, "", &format!("a turn every {}{next}", time::duration(budget.turn_period_s)))?;
    let watch = &budget.watch;
    let open = match watch.open_s {
        Some(open) => format!("open for {}", time::duration(open)),
        None => "not open".to_owned(),
    };
    let stale = watch.staleness_s.map(|age| format!(", {} old", time::duration(age))).unwrap_or_default();
    let confirmed = if watch.confirmed { "" } else { ", not confirmed yet" };
    fact(out, "watch", &format!("{open}{stale}, {} pods{confirmed}", watch.pods))?;
    for requests in &budget.requests {
        let what = format!("{} {} ({})", requests.verb, requests.resource, requests.reason);
        fact(out, "requests", &format!("{what}: {} x {}", requests.status, requests.count))?;
    }
    trouble(out, budget.last_error.as_ref())
}

fn write_kubelet(out: &mut String, kubelet: &Kubelet) -> fmt::Result {
    let Kubelet {
        mode,
        why,
        address,
        access,
        trust,
        interval_s,
        summary_up,
        pods_up,
        last_success,
        last_error,
    } = kubelet;
    let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let (verb, every) =
        if mode == "stopped" { ("stopped, one probe", "at most every ") } else { ("", "every ") };
    let pace =
        interval_s.map(|interval| format!(", {every}{}", time::duration(interval))).unwrap_or_default();
    let mode = if verb.is_empty() { mode } else { verb };
    fact(out, "kubelet", &format!("{mode}{why}{pace}"))?;
    if let (Some(address), Some(access), Some(trust)) = (address, access, trust) {
        fact(out, "", &format!("{address}, access {access}, verified by {trust}"))?;
        let last = match last_success {
            Some(last) => format!("last success {last}"),
            None => "nothing was answered well yet".to_owned(),
        };
        let rungs = [("summary", summary_up), ("pods", pods_up)].into_iter().filter_map(|(name, up)| {
            let word = if (*up)? { "up" } else { "down" };
            Some(format!("{name} {word}, "))
        });
        fact(out, "", &format!("{}{last}", rungs.collect::<String>()))?;
    }
    trouble(out, last_error.as_ref())
}

fn write_output(out: &mut String, output: &Output) -> fmt::Result {
    let last = match &output.last_success {
        Some(last) => format!("last success {last}"),
        None => "nothing was acknowledged yet".to_owned(),
    };
    let through = output.proxy.as_ref().map(|proxy| format!(" through {proxy}")).unwrap_or_default();
    fact(out, "output", &format!("{} to {}{through}: {last}", output.name, output.endpoint))?;
    if output.queue_requests > 0 {
        let (bytes, limit) = (output.queue_bytes, output.queue_limit_bytes);
        fact(out, "", &format!("{} requests wait ({bytes} of {limit} bytes)", output.queue_requests))?;
    }
    if let Some(disk) = &output.disk {
        write_disk(out, disk)?;
    }
    if let Some(oldest) = &output.oldest_sample {
        fact(out, "", &format!("oldest sample that waits {oldest}"))?;
    }
    if let Some(dns) = &output.dns {
        write_dns(out, dns)?;
    }
    if output.failures_in_a_row > 0 {
        fact(out, "", &format!("{} failures in a row", output.failures_in_a_row))?;
    }
    trouble(out, output.last_error.as_ref())
}

fn write_disk(out: &mut String, disk: &DiskLog) -> fmt::Result {
    let DiskLog { requests, bytes, limit_bytes, evicted_requests, damaged, trouble } = disk;
    if *requests > 0 {
        fact(out, "", &format!("{requests} requests wait on the disk ({bytes} of {limit_bytes} bytes)"))?;
    }
    if *evicted_requests > 0 {
        fact(out, "", &format!("{evicted_requests} were deleted from it for newer ones"))?;
    }
    if *damaged > 0 {
        fact(out, "", &format!("{damaged} places on the disk were damaged"))?;
    }
    trouble.as_ref().map_or(Ok(()), |why| fact(out, "", &format!("the disk is not used: {why}")))
}

fn write_dns(out: &mut String, dns: &Dns) -> fmt::Result {
    let Dns { host, addresses, stale_s, last_error } = dns;
    if *stale_s > 0 {
        let (count, age) = (addresses.len(), time::duration(*stale_s));
        fact(out, "", &format!("the {count} addresses of {host} have been stale for {age}"))?;
    }
    last_error.as_ref().map_or(Ok(()), |why| fact(out, "", &format!("cannot resolve {host}: {why}")))
}

fn write_collectors(out: &mut String, collectors: &[Collector]) -> fmt::Result {
    let names: Vec<_> = collectors.iter().map(|collector| collector.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    fact(out, "collectors", &names.join(", "))?;
    for collector in collectors {
        if let Some(error) = &collector.last_error {
            fact(out, "", &format!("{}: {} ({})", collector.name, error.text, error.at))?;
        }
    }
    Ok(())
}

fn trouble(out: &mut String, trouble: Option<&Trouble>) -> fmt::Result {
    trouble.map_or(Ok(()), |Trouble { at, text }| fact(out, "", &format!("last error {at}: {text}")))
}

fn fact(out: &mut String, name: &str, value: &str) -> fmt::Result {
    writeln!(out, "{name:NAMES$} {}", super::line(value))
}
