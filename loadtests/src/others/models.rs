//! The models: what each program does, as its source and the audit log of a real API server say.

use super::{Model, Origin, Poll, Scrape, Start, Stream, What};

/// client-go's reflector, 0.35: a watch that begins with what there is, renewed from its version after 5 to 10 minutes.
const fn reflector(what: What, copies: u32) -> Stream {
    Stream { what, start: Start::WatchList, lifetime: (300, 600), copies }
}

/// Logs, metrics and traces: the chart puts the processor into each, and each has clients of its own.
const PIPELINES: u32 = 3;

/// Every model.
pub const MODELS: &[Model] = &[
    Model {
        name: "collector, chart defaults",
        how: "three pipelines with k8sattributes, each with a watch of the node's pods, of all ReplicaSets and of one \
              namespace, all with initial events; kubeletstats with a token every 20 s",
        origin: Origin::Measured,
        streams: &[
            reflector(What::NodePods, PIPELINES),
            reflector(What::ReplicaSets, PIPELINES),
            reflector(What::Namespace, PIPELINES),
        ],
        poll: None,
        scrape: Some(Scrape { every: 20 }),
    },
    Model {
        name: "kube's watcher with its defaults",
        how: "a LIST and a watch of the node's pods, renewed every 290 s without jitter",
        origin: Origin::Measured,
        streams: &[Stream {
            what: What::NodePods,
            start: Start::ListThenWatch,
            lifetime: (290, 290),
            copies: 1,
        }],
        poll: None,
        scrape: None,
    },
    Model {
        name: "a watch of every pod on each node",
        how: "client-go's informer without a selector: begins with every pod, is sent each change of any",
        origin: Origin::Measured,
        streams: &[reflector(What::AllPods, 1)],
        poll: None,
        scrape: None,
    },
    Model {
        name: "a LIST of the node's pods every 15 s",
        how: "no watch and no resourceVersion, with a field selector",
        origin: Origin::Measured,
        streams: &[],
        poll: Some(Poll { what: What::NodePods, every: 15 }),
        scrape: None,
    },
    Model {
        name: "a LIST of every pod every 15 s",
        how: "no watch, no resourceVersion and no selector",
        origin: Origin::Measured,
        streams: &[],
        poll: Some(Poll { what: What::AllPods, every: 15 }),
        scrape: None,
    },
];
