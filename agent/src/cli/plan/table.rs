//! The bill as text that is read in a minute: what was declared, what follows, what it comes to, and what else there is.

use std::fmt::Write as _;

use shared_informer::plan::{BeforeSize, Collector, Plan, Question, Rates};
use shared_informer::size::{Size, Source};

use super::figures::{bytes, count, figure, percent, seconds};

/// The width of the labels.
const LABEL: usize = 44;
/// The width of a column of figures.
const COLUMN: usize = 14;

/// The whole answer.
pub(super) fn render(question: &Question, plan: &Plan) -> String {
    let mut page = Page(String::new());
    let _ = writeln!(page.0, "tare plan for {} nodes", count(u64::from(plan.nodes)));
    declared(plan, &mut page);
    derived(question, plan, &mut page);
    steady(plan, &mut page);
    worst(plan, &mut page);
    start(question, plan, &mut page);
    ambient(plan, &mut page);
    compared(plan, &mut page);
    page.heading("Assumptions", &[]);
    for assumption in &plan.assumptions {
        page.item(assumption);
    }
    page.0
}

/// Lines of a label and columns.
struct Page(String);

impl Page {
    fn heading(&mut self, title: &str, columns: &[&str]) {
        self.0.push('\n');
        self.line(title, columns);
    }

    fn row(&mut self, label: &str, columns: &[&str]) {
        self.line(&format!("  {label}"), columns);
    }

    /// A label with one text of any length.
    fn note(&mut self, label: &str, text: &str) {
        let line = format!("{:LABEL$}  {text}", format!("  {label}"));
        let _ = writeln!(self.0, "{}", line.trim_end());
    }

    /// A point of a list, wrapped.
    fn item(&mut self, text: &str) {
        const WIDTH: usize = 100;
        let mut line = String::from("  -");
        for word in text.split_whitespace() {
            if line.len() + 1 + word.len() > WIDTH {
                let _ = writeln!(self.0, "{line}");
                line = String::from("   ");
            }
            line.push(' ');
            line.push_str(word);
        }
        let _ = writeln!(self.0, "{line}");
    }

    fn line(&mut self, label: &str, columns: &[&str]) {
        let mut line = format!("{label:LABEL$}");
        for column in columns {
            let _ = write!(line, "{column:>COLUMN$}");
        }
        let _ = writeln!(self.0, "{}", line.trim_end());
    }
}

fn declared(plan: &Plan, page: &mut Page) {
    let declared = &plan.declared;
    page.heading("Declared", &[]);
    let requests = format!(
        "{}/s of the whole cluster, any 10 s window, hidden reviews included",
        figure(declared.requests_per_second())
    );
    page.note("requests", &requests);
    #[expect(clippy::cast_precision_loss, reason = "at most 2^40")]
    let list_bytes = bytes(declared.list_bytes_per_second() as f64);
    page.note("bytes of LISTs", &format!("{list_bytes}/s of the whole cluster, any 60 s window"));
    page.note("this installation's share", &percent(declared.share(), 1.0));
}

fn derived(question: &Question, plan: &Plan, page: &mut Page) {
    let derived = &plan.derived;
    let used = format!("Derived for {} nodes (N used)", count(u64::from(plan.nodes_used)));
    page.heading(&used, &[]);
    page.note("turn period", &format!("{}, at most 2 requests each", seconds(derived.turn_period_s)));
    page.note("watch lifetime", &seconds(derived.watch_lifetime_s));
    page.note("size probe", &format!("every {}", seconds(derived.probe_period_s)));
    let Some(period) = derived.kubelet_period_s else {
        page.note("scrape of the kubelet", "off");
        return;
    };
    let configured = question.kubelet.period.as_secs();
    let why = if period > configured {
        format!(" (configured: {}; its reviews allow no more)", seconds(configured))
    } else {
        String::new()
    };
    page.note("scrape of the kubelet", &format!("every {}{why}", seconds(period)));
    if let Some(probe) = derived.kubelet_probe_period_s {
        page.note("the same while its reviews fail", &format!("every {}", seconds(probe)));
    }
}

/// One of the rates.
type Rate = fn(&Rates) -> f64;

fn steady(plan: &Plan, page: &mut Page) {
    page.heading("Steady state", &["per agent", "per cluster", "of declared"]);
    let ceiling = plan.declared.requests();
    let rows: [(&str, Rate, bool); 4] = [
        ("requests/s", |rates| rates.requests_per_second, true),
        ("  own: watch renewals, size probes", |rates| rates.own_requests_per_second, false),
        ("  hidden: the kubelets' reviews", |rates| rates.hidden_reviews_per_second, false),
        ("CPU of the API server, seconds in an hour", |rates| rates.server_cpu * 3_600.0, false),
    ];
    for (label, rate, against) in rows {
        let (agent, cluster) = (rate(&plan.steady.agent), rate(&plan.steady.cluster));
        let part = if against { percent(cluster, ceiling) } else { String::new() };
        page.row(label, &[&figure(agent), &figure(cluster), &part]);
    }
    let lists = plan.bytes.steady_per_second;
    let part = percent(lists, plan.declared.list_bytes());
    page.row("bytes of LISTs/s", &[&bytes(lists), &bytes(lists), &part]);
}

fn worst(plan: &Plan, page: &mut Page) {
    let (requests, lists) = (&plan.worst_10s, &plan.worst_60s);
    let of = |number: u32| count(u64::from(number));
    page.heading("Worst window", &["per agent", "per cluster", "ceiling", "used"]);
    let all = f64::from(requests.requests);
    page.row(
        "requests in 10 s",
        &[
            &of(requests.requests_of_one_agent),
            &of(requests.requests),
            &figure(requests.ceiling),
            &percent(all, requests.ceiling),
        ],
    );
    page.row("  of turns", &["", &of(requests.turns)]);
    page.row("  of hidden reviews", &["", &of(requests.reviews)]);
    page.row(
        "bytes of LISTs in 60 s",
        &[
            &bytes(lists.list_bytes_of_one_agent),
            &bytes(lists.list_bytes),
            &bytes(lists.ceiling),
            &percent(lists.list_bytes, lists.ceiling),
        ],
    );
    page.heading("Outside the conditions (it ends by itself)", &["", "per cluster", "ceiling", "used"]);
    for (label, number) in [
        ("all answers held back, then at once", requests.turns_after_a_stall),
        ("10 times the nodes, unseen", requests.requests_if_tenfold),
    ] {
        let used = percent(f64::from(number), requests.ceiling);
        page.row(label, &["", &of(number), &figure(requests.ceiling), &used]);
    }
}

fn start(question: &Question, plan: &Plan, page: &mut Page) {
    page.heading("Cold start of all nodes at once", &[]);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few days at most")]
    let sync = plan.sync_s.ceil() as u64;
    page.note("every node has its pods after", &seconds(sync));
    let lists = format!(
        "{} ({} each), spread over a turn period",
        bytes(plan.bytes.all_nodes_once),
        bytes(plan.bytes.list)
    );
    page.note("LISTs of all nodes together", &lists);
    if let Some(before) = &plan.before_size {
        before_size(question, plan, before, page);
    }
}

fn before_size(question: &Question, plan: &Plan, before: &BeforeSize, page: &mut Page) {
    let source = match Size::new(question.cluster, None).source() {
        Source::Hint => "twice cluster.hint",
        _ => "cluster.assume",
    };
    let used = format!("{} nodes are taken ({source})", count(u64::from(before.nodes_used)));
    page.note("until the size is known", &used);
    let (probes, ceiling) = (f64::from(before.worst_10s_requests), plan.worst_10s.ceiling);
    let worst = format!(
        "{} in 10 s, {} of the ceiling",
        count(u64::from(before.worst_10s_requests)),
        percent(probes, ceiling)
    );
    page.note("size probes until then", &worst);
    if probes > ceiling {
        let least = plan.nodes.div_ceil(2);
        page.note("", &format!("ABOVE THE CEILING: set cluster.hint to {} or more", count(u64::from(least))));
    }
}

fn ambient(plan: &Plan, page: &mut Page) {
    let (ambient, kubelets) = (&plan.ambient, &plan.kubelets);
    page.heading("Ambient: what the DaemonSet costs by existing", &[]);
    let per_node = ambient.token_requests_per_second_per_node;
    let rate = |per_node: f64| {
        format!("{}/s ({} per node)", figure(per_node * f64::from(plan.nodes)), figure(per_node))
    };
    page.note("requests for its token", &rate(per_node));
    let authority = rate(ambient.authority_requests_per_second_per_node);
    page.note("requests for its authority", &format!("{authority}; none with clusterCA.bundle"));
    let watches = format!("{} per node: it is immutable", ambient.config_map_watches_per_node);
    page.note("kubelet's watches for its ConfigMap", &watches);
    for (label, requests) in [
        ("one start of a pod", ambient.requests_per_start),
        ("one delete of a pod", ambient.requests_per_delete),
        ("one node in a rolling update", ambient.requests_per_rolling_update),
        ("one restart of the container", ambient.requests_per_container_restart),
    ] {
        page.note(label, &format!("{requests} requests"));
    }
    let rollout = format!("{} requests, spread by maxUnavailable", count(ambient.requests_per_rollout));
    page.note("one rolling update of all nodes", &rollout);
    page.heading("The kubelets' own, with or without tare", &["per node/s", "per cluster/s"]);
    let nodes = f64::from(plan.nodes);
    for (label, rate) in [
        ("lease", kubelets.lease),
        ("status", kubelets.status),
        ("watches", kubelets.watches),
        ("ConfigMaps and Secrets", kubelets.config_maps_and_secrets),
        ("tokens", kubelets.tokens),
        ("together (measured as a whole)", kubelets.per_node),
    ] {
        page.row(label, &[&figure(rate), &figure(rate * nodes)]);
    }
}

fn compared(plan: &Plan, page: &mut Page) {
    page.heading("The same nodes with", &["requests/s", "cold 10 s", "seats", "server CPU", "pod bytes"]);
    for collector in std::iter::once(&plan.tare).chain(&plan.others) {
        page.row(collector.name, &comparison(collector).each_ref().map(String::as_str));
    }
    for collector in &plan.others {
        page.item(&format!("{}: {}", collector.name, collector.how));
    }
    page.item(
        "cold 10 s: requests, seats of Priority & Fairness, CPU seconds and bytes after all start at once",
    );
}

fn comparison(collector: &Collector) -> [String; 5] {
    let unknown = || "-".to_owned();
    [
        figure(collector.requests_per_second),
        count(collector.cold_10s),
        count(collector.cold_seats),
        collector.cold_server_cpu_s.map_or_else(unknown, |cpu| format!("{} s", figure(cpu))),
        collector.cold_pod_bytes.map_or_else(unknown, bytes),
    ]
}
