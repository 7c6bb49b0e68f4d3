//! One host: a node's name, its state directory, its kubelet, and the life of its agent.
//!
//! The agent is the shipped informer, driven as `tare run` drives it: [`Informer::wake`], [`Informer::handle`] and
//! the commands. The shell's part (sockets, files, the reader of the kubelet) is what [`super::engine`] does with them.

use std::time::Duration;

use shared_informer::clock::{Now, Wall};
use shared_informer::counts::{Asked, Reason, Status};
use shared_informer::derive::DeriveError;
use shared_informer::informer::Informer;
use shared_informer::informer::event::{DaemonSet, Happened, List, Outcome, Rejection, RequestId};
use shared_informer::informer::settings::{KnownSize, Memory, Settings, Spend};
use shared_informer::ledger::{Scrape, ScrapePermit};
use shared_informer::phase::Phase;
use shared_informer::remembered::{ClusterId, Header, Remembered};
use shared_informer::reviews::Subresource;
use shared_informer::size::Reading;

use super::api::{self, Answer};
use super::fresh::Freshness;
use super::kubelet::Kubelet;
use super::scenario::Names;
use super::time::Millis;

/// What the recorded schedule of the kubelet's reader asks for in a slot.
pub(super) const SUBRESOURCES: [Subresource; 2] = [Subresource::Stats, Subresource::Pods];
/// Head and frame of an answer, beside the body of a LIST.
const ANSWER_BYTES: u64 = 400;

/// What the state directory holds: exactly what the informer asked to be saved, when it asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    pub(super) size: Option<KnownSize>,
    pub(super) spend: Option<Spend>,
    pub(super) index: Option<(Box<str>, Wall)>,
}

impl Disk {
    /// What a new life reads.
    pub(super) fn memory(&self) -> Memory {
        let index = self.index.as_ref().map(|(version, saved)| Remembered {
            header: Header {
                cluster: ClusterId([0; 32]),
                resource_version: version.clone(),
                saved_at: saved.since_origin(),
                kept: 0,
            },
            pods: Vec::new(),
        });
        Memory { size: self.size.clone(), spend: self.spend.clone(), index }
    }
}

/// What agents say about themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reported {
    /// Requests to the API server, unanswered ones included.
    pub(super) own: u64,
    /// Those among them that have an answer.
    pub(super) answered: u64,
    /// Reviews caused.
    pub(super) reviews: u64,
}

impl Reported {
    /// What these books hold: what is outstanding is counted by the next life, or never.
    pub(super) fn of(spend: &Spend) -> Self {
        let mut sum = Self::default();
        for (key, number) in spend.counts.iter() {
            sum.add(key.asked, Some(key.status), number);
        }
        for (asked, number) in &spend.outstanding {
            sum.add(*asked, None, *number);
        }
        sum
    }

    fn add(&mut self, asked: Asked, status: Option<Status>, number: u64) {
        if matches!(asked.reason, Reason::TokenReview | Reason::AccessReview) {
            self.reviews += number;
        } else {
            self.own += number;
            self.answered += if status.is_none_or(|status| status == Status::None) { 0 } else { number };
        }
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            own: self.own + other.own,
            answered: self.answered + other.answered,
            reviews: self.reviews + other.reviews,
        }
    }
}

/// An open watch, as the server sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub(super) id: RequestId,
    pub(super) opened: Millis,
    pub(super) next_bookmark: Millis,
    /// The next change of a pod; never where nothing happens to them.
    pub(super) next_change: Millis,
    pub(super) mute: bool,
}

/// A scrape of the kubelet that is under way.
#[derive(Debug)]
pub(super) struct Scraping {
    pub(super) scrape: Scrape,
    pub(super) permit: ScrapePermit,
    /// How many subresources were asked for.
    pub(super) asked: usize,
}

/// One host.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: Box<str>,
    phases: Option<(Phase, Phase)>,
    /// How far the wall clock is off, milliseconds.
    pub(super) offset: i64,
    pub(super) kubelet: Kubelet,
    pub(super) disk: Box<Disk>,
    /// The books of state directories that were lost.
    pub(super) lost_books: Reported,
    /// In place: a hundred thousand of them are met in no order, and each detour is a line of memory that is in no cache.
    pub(super) informer: Option<Informer>,
    /// Which life this is; what was meant for another one is not delivered.
    pub(super) life: u32,
    /// When the informer wants to be woken, and when it will be.
    pub(super) due: Millis,
    pub(super) wake_at: Millis,
    /// The request that has no answer yet.
    pub(super) request: Option<RequestId>,
    pub(super) stream: Option<Stream>,
    pub(super) scraping: Option<Box<Scraping>>,
    pub(super) probed: bool,
    pub(super) fresh: Freshness,
}

impl Host {
    /// A host that is switched off.
    pub(super) fn new(name: Box<str>, phases: Option<(Phase, Phase)>, offset: i64) -> Self {
        Self {
            name,
            phases,
            offset,
            kubelet: Kubelet::default(),
            disk: Box::default(),
            lost_books: Reported::default(),
            informer: None,
            life: 0,
            due: Millis::MAX,
            wake_at: Millis::MAX,
            request: None,
            stream: None,
            scraping: None,
            probed: false,
            fresh: Freshness::default(),
        }
    }

    /// A new life of the agent.
    pub(super) fn start(&mut self, settings: Settings, now: Now) -> Result<(), DeriveError> {
        self.life += 1;
        let memory = self.disk.memory();
        let informer = match self.phases {
            None => Informer::new(settings, memory, now),
            Some((turn, slot)) => Informer::with_phases(settings, memory, now, turn, slot),
        };
        self.informer = Some(informer?);
        Ok(())
    }

    /// The process ends; what it had open breaks.
    pub(super) fn stop(&mut self) {
        (self.informer, self.request, self.stream, self.scraping) = (None, None, None, None);
        (self.due, self.wake_at) = (Millis::MAX, Millis::MAX);
    }

    /// The state directory is lost. What its books held was published while it lived.
    pub(super) fn forget(&mut self) {
        if let Some(spend) = &self.disk.spend {
            self.lost_books = self.lost_books.plus(Reported::of(spend));
        }
        *self.disk = Disk::default();
    }

    /// What all lives together have reported, or will when somebody starts the next one.
    pub(super) fn reported(&self) -> Reported {
        let spend = match &self.informer {
            Some(informer) => Some(informer.spend()),
            None => self.disk.spend.clone(),
        };
        spend.map_or(self.lost_books, |spend| self.lost_books.plus(Reported::of(&spend)))
    }
}

/// The name of a node.
pub(super) fn name(names: Names, index: u32) -> Box<str> {
    let [_, a, b, c] = index.to_be_bytes();
    match names {
        Names::Drawn => format!("node-{index}"),
        Names::Real => format!("ip-10-{a}-{b}-{c}.eu-central-1.compute.internal"),
        Names::Same => "node".to_owned(),
    }
    .into()
}

/// An answer as the shell hands it to the informer, with its bytes on the wire.
pub(super) fn happened(answer: Answer, nodes: u32, created: Wall, list_bytes: u64) -> (Happened, u64) {
    let outcome = match answer {
        Answer::Opened { .. } => return (Happened::Opened, ANSWER_BYTES),
        Answer::Size => Outcome::Size(DaemonSet {
            reading: Reading { desired: nodes, observed_generation: 1, generation: 1 },
            created: Some(created),
            paused: false,
        }),
        Answer::List(version) => {
            let list = List {
                resource_version: version.to_string().into(),
                truncated: false,
                pods: Vec::new(),
                refused: [0; _],
            };
            return (Happened::Done(Outcome::List(list)), list_bytes);
        }
        Answer::Status(code, wish) => {
            Outcome::Status(Rejection { code, retry_after: wish.map(api::wish), message: "simulated".into() })
        }
        Answer::Refused => {
            return (Happened::Done(Outcome::Failed(shared_informer::informer::event::Failure::Refused)), 0);
        }
    };
    (Happened::Done(outcome), ANSWER_BYTES)
}

/// A length of time in the informer's own terms.
pub(super) const fn duration(length: Millis) -> Duration {
    Duration::from_millis(length)
}
