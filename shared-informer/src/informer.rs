//! The one shared watch: the pure state machine that decides what is asked of the API server, and when.
//!
//! It is told the time and what happened on the wire ([`Informer::wake`], [`Informer::handle`]) and answers with
//! commands ([`Informer::next_command`]) and with the time at which it has to be woken ([`Informer::next_wake`]). `tare
//! run` drives it with sockets and clocks, the load tests drive a hundred thousand of it in virtual time: both through
//! these entry points. It does no I/O.
//!
//! ```text
//!              own turn: LIST                    own turn: WATCH from V
//!   no version ---------------> version V, fresh ----------------------> watching
//!     ^   ^                      | older than 60 s                         |  ^ |
//!     |   '----------------------'                                         |  | | own turn after L: a second WATCH from
//!     |            410, two missed bookmarks                               |  '-' the newest bookmark, then the old one closes
//!     '--------------------------------------------------------------------+
//!                                                                          | closed, broken, carried too much, paused
//!   version V ages <-------------------------------------------------------'
//! ```
//! What holds in every state:
//! - a request is sent only in an own turn, with a permit of the [`Ledger`]; the second one only after the first one did
//!   what it was for; what has no answer at the turn's end is cut off and counted as `none`;
//! - the books are saved before a request is sent, so that a crash hides none;
//! - the index changes only by what the server said in this life or what the last life remembered, and remembered pods
//!   are shown as such until they are confirmed;
//! - an event about a request that is not expected (it was aborted, it was never sent) changes nothing.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::activation::{Activation, Standing};
use crate::carried::Verdict;
use crate::clock::{Mono, Now, Wall};
use crate::declaration::Declaration;
use crate::derive::{self, DeriveError, Derived, Fleet};
use crate::distress::{Change, Distress};
use crate::guard::Guard;
use crate::index::Index;
use crate::index::shared::{Publisher, Reader, publish};
use crate::ledger::{Ledger, Limits, Request, Ticket};
use crate::phase::{Phase, Salt};
use crate::scraping::Scraping;
use crate::size::Size;
use crate::turns::{Decision, Skip, Turns};

mod answers;
mod ceiling;
pub mod command;
mod control;
pub mod event;
pub mod report;
mod requests;
mod scrapes;
pub mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod wants;
mod watches;

use ceiling::Ceiling;
use command::Command;
use event::RequestId;
use report::{Refused, Restart, Trouble};
use settings::{KnownSize, Memory, Settings, Spend};
pub use watches::{FIRST_SILENCE, FRESH, SILENCE};
use watches::{Version, Watch};

/// While the fleet is paused by its annotation, the DaemonSet is asked this often, in own turns, whether it still is.
pub const FLEET_PAUSE_PROBE: Duration = Duration::from_mins(5);

/// Whoever drives an informer looks at the clocks at least this often. Turns are instants of the wall clock, waits those of the
/// monotonic one: a wall clock that is set forward tells nobody, as after a node's boot, and a first turn that it has brought
/// near would be slept through, which costs a node of a large cluster hours without a watch.
pub const LOOK: Duration = Duration::from_secs(30);

/// A request that has no answer yet. There is at most one: the second of a turn waits for the first.
#[derive(Debug)]
struct Flight {
    id: RequestId,
    ticket: Ticket,
    sent: Mono,
    deadline: Mono,
    /// For a WATCH: when its successor is due.
    renewal: Option<crate::renewal::Renewal>,
}

/// One node's informer. See the module's documentation.
#[derive(Debug)]
pub struct Informer {
    settings: Settings,
    size: Size,
    probed: bool,
    last_probe: Option<Mono>,
    created: Option<Wall>,
    ceiling: Ceiling,
    in_force: Declaration,
    activation: Activation,
    joined: bool,
    list_bytes: Option<u64>,
    derived: Derived,
    /// Set while nothing can be derived: then nothing is asked.
    underived: Option<DeriveError>,
    turns: Turns,
    slots: Turns,
    ledger: Ledger,
    distress: Distress,
    scraping: Scraping,
    fleet_paused: bool,
    pods: Pods,
    watch: Option<Watch>,
    flight: Option<Flight>,
    /// The second request of the turn, if the first one succeeds.
    then: Option<Request>,
    commands: VecDeque<Command>,
    next_id: u64,
    /// Not counting the open watch's silence.
    next_wake: Mono,
    since: Wall,
    last_turn: Option<Wall>,
    tally: Tally,
    changes: VecDeque<Change>,
}

/// What is known about the node's pods.
#[derive(Debug)]
struct Pods {
    index: Index,
    publisher: Publisher,
    reader: Reader,
    version: Option<Version>,
    /// Whether this life has had a LIST.
    listed: bool,
    /// Whether the API server has confirmed the index in this life.
    confirmed: bool,
    /// Whether the last LIST was refused because it was older than the index.
    older_list_refused: bool,
}

/// What is counted of this life, beside the requests.
#[derive(Debug, Default)]
struct Tally {
    skipped: BTreeMap<Skip, u64>,
    restarts: BTreeMap<Restart, u64>,
    refused: BTreeMap<Refused, u64>,
    /// Bytes of LISTs.
    listed: u64,
    trouble: Option<Trouble>,
}

impl Informer {
    /// The informer of a node that starts now. Nothing is asked before its first own turn; what the last life remembered
    /// can be read at once.
    ///
    /// # Errors
    /// The declaration cannot work for the number of nodes that is known or assumed.
    pub fn new(settings: Settings, memory: Memory, now: Now) -> Result<Self, DeriveError> {
        let phase = Phase::of(&settings.node, Salt::Turn);
        let slot = Phase::of(&settings.node, Salt::Scrape);
        Self::with_phases(settings, memory, now, phase, slot)
    }

    /// As [`Informer::new`], with phases that are known already: for fleets of virtual nodes.
    ///
    /// # Errors
    /// As [`Informer::new`].
    pub fn with_phases(
        settings: Settings,
        memory: Memory,
        now: Now,
        phase: Phase,
        slot: Phase,
    ) -> Result<Self, DeriveError> {
        let Memory { size: known, spend, index: remembered } = memory;
        // The books of a dry run are its own.
        let spend = spend.filter(|_| !settings.dry_run);
        let size = Size::new(settings.cluster, known.as_ref().and_then(|known| known.nodes));
        let before = known.as_ref().map(|known| (known.in_force, known.raised));
        let mut ceiling =
            Ceiling::new(&settings.node, &settings.steps, settings.declaration, before, now.wall);
        let in_force = ceiling.now(now.wall, size.used());
        let list_bytes = known.as_ref().and_then(|known| known.list_bytes);
        let fleet = Fleet { nodes: size.used(), list_bytes, kubelet: settings.kubelet };
        let (derived, given_up) = derive::derive_what_works(&in_force, &fleet)?;
        let last_turn = spend.as_ref().and_then(|spend| spend.last_turn);
        let silence = last_turn.map_or(Duration::ZERO, |last| now.wall.since(last));
        let guard = Guard::new(derived.turn_period, now.mono, silence);
        let limits = limits(&in_force, size.used(), list_bytes);
        let mut ledger = Ledger::new(limits, guard, settings.carried_bound);
        let since = spend.as_ref().map_or(now.wall, |spend| spend.since);
        if let Some(Spend { counts, outstanding, .. }) = spend {
            ledger.continue_from(counts);
            ledger.adopt(outstanding);
        }
        let mut index = Index::new(settings.index);
        let version = remembered.map(|remembered| {
            index.restore(remembered.pods);
            let saved = Wall::new(remembered.header.saved_at);
            Version::remembered(remembered.header.resource_version, saved)
        });
        let (publisher, reader) = publish(&index);
        let mut informer = Self {
            activation: Activation::new(&settings.node, &settings.steps),
            joined: known.as_ref().is_some_and(|known| known.joined),
            created: known.as_ref().and_then(|known| known.created),
            turns: Turns::with_phase(phase, Salt::Turn, now.mono, last_turn),
            slots: Turns::with_phase(slot, Salt::Scrape, now.mono, None),
            distress: Distress::new(derived.turn_period, settings.off),
            scraping: Scraping::default(),
            commands: VecDeque::new(),
            next_wake: now.mono,
            probed: false,
            last_probe: None,
            underived: None,
            fleet_paused: false,
            pods: Pods {
                index,
                publisher,
                reader,
                version,
                listed: false,
                confirmed: false,
                older_list_refused: false,
            },
            watch: None,
            flight: None,
            then: None,
            next_id: 0,
            tally: Tally::default(),
            changes: VecDeque::new(),
            settings,
            size,
            ceiling,
            in_force,
            list_bytes,
            derived,
            ledger,
            since,
            last_turn,
        };
        informer.tell_given_up(now, given_up.as_ref());
        Ok(informer)
    }

    /// Looks at the clocks: at the start, at [`Informer::next_wake`], and whenever the shell likes.
    pub fn wake(&mut self, now: Now) {
        self.ledger.tick(now);
        self.cut_off(now);
        self.check_watch(now);
        self.pods.index.advance(now.mono.since_origin());
        let mut next = self.poll_turns(now);
        next = next.min(self.poll_slots(now));
        let flight = self.flight.as_ref().map(|flight| flight.deadline);
        self.next_wake = flight.map_or(next, |flight| flight.min(next));
    }

    /// When [`Informer::wake`] has to be called at the latest.
    pub fn next_wake(&self) -> Mono {
        self.watch.as_ref().map_or(self.next_wake, |watch| watch.dead_at().min(self.next_wake))
    }

    /// The same for whoever knows that the open watch will bring its bookmarks until then: a simulation.
    pub const fn next_wake_while_watching(&self) -> Mono {
        self.next_wake
    }

    /// The next thing to do; to be asked until there is none after each wake, event and control.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// The next change of the budget's state, for the log.
    pub fn next_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// The readers' side of the index.
    pub fn reader(&self) -> Reader {
        self.pods.reader.clone()
    }

    /// Shows readers what has changed; cheap if nothing has. To be called after each batch of events.
    pub fn publish(&self) {
        self.pods.publisher.publish(&self.pods.index);
    }

    fn poll_turns(&mut self, now: Now) -> Mono {
        match self.turns.poll(now, self.distress.period()) {
            Decision::Wait { after, skipped } => {
                self.count_skipped(skipped);
                now.mono.plus(after)
            }
            Decision::Start(turn) => {
                self.last_turn = Some(turn.instant());
                self.ledger.begin(now, turn);
                self.use_turn(now);
                // Looked at again when it is over.
                now.mono.plus(crate::turns::LENGTH)
            }
        }
    }

    /// The instant of the next own turn, under the period in force.
    fn next_turn(&self, now: Now) -> Wall {
        self.turns.phase().at_or_after(now.wall.plus(Duration::from_millis(1)), self.distress.period())
    }

    fn count_skipped(&mut self, skipped: Option<Skip>) {
        if let Some(skip) = skipped {
            *self.tally.skipped.entry(skip).or_default() += 1;
        }
    }

    /// Where this node stands in the rollout of the installation.
    fn standing(&mut self, now: Now) -> Standing {
        if self.joined || !self.settings.has_daemonset {
            return Standing::Active;
        }
        // As long as nobody has said when the installation began, the probe has to find out.
        let Some(created) = self.created else { return Standing::Unproven };
        // What is not known to be a small cluster is none.
        let nodes = self.size.last_probe().unwrap_or_else(|| self.size.used());
        let standing = self.activation.standing(now.wall, created, nodes);
        if standing == Standing::Active {
            self.joined = true;
            self.commands.push_back(Command::SaveSize);
        }
        standing
    }

    /// Follows a change of the size, of the ceiling or of the LISTs' size.
    fn retune(&mut self, now: Now) {
        // The next turn may come sooner.
        self.next_wake = now.mono;
        let nodes = self.size.used();
        self.in_force = self.ceiling.now(now.wall, nodes);
        let fleet = Fleet { nodes, list_bytes: self.list_bytes, kubelet: self.settings.kubelet };
        match derive::derive_what_works(&self.in_force, &fleet) {
            Ok((derived, given_up)) => {
                self.tell_given_up(now, given_up.as_ref());
                self.derived = derived;
                self.underived = None;
                let change = self.distress.retune(derived.turn_period);
                self.changes.extend(change);
                let limits = limits(&self.in_force, nodes, self.list_bytes);
                self.ledger.retune(limits, derived.turn_period);
            }
            Err(error) => {
                self.complain(now, &error.to_string());
                self.underived = Some(error);
            }
        }
    }

    fn tell_given_up(&mut self, now: Now, scrapes: Option<&DeriveError>) {
        if let Some(error) = scrapes {
            self.complain(now, &format!("the kubelet is not scraped: {error}"));
        }
    }

    fn complain(&mut self, now: Now, what: &str) {
        self.tally.trouble = Some(Trouble { at: now.wall, what: what.into() });
    }

    fn restarted(&mut self, why: Restart) {
        *self.tally.restarts.entry(why).or_default() += 1;
    }

    fn refuse(&mut self, why: Refused, number: u64) {
        if number > 0 {
            *self.tally.refused.entry(why).or_default() += number;
        }
    }

    /// Whether the watch may not be open because of what it carried.
    fn carried_too_much(&self, now: Now) -> bool {
        matches!(self.ledger.carried_verdict(now), Verdict::CloseUntil(_))
    }

    /// What goes to `size.v1`.
    pub fn known_size(&self) -> KnownSize {
        KnownSize {
            nodes: self.size.remembered(),
            created: self.created,
            joined: self.joined,
            list_bytes: self.list_bytes,
            in_force: self.in_force,
            raised: self.ceiling.raised(),
        }
    }

    /// What goes to `spend.v1`.
    pub fn spend(&self) -> Spend {
        Spend {
            since: self.since,
            last_turn: self.last_turn,
            counts: self.ledger.counts().clone(),
            outstanding: self.ledger.outstanding(),
        }
    }
}

/// The ledger's limits under this ceiling.
fn limits(declaration: &Declaration, nodes: u32, list_bytes: Option<u64>) -> Limits {
    Limits { nodes, list_bytes_per_second: declaration.list_bytes(), list_bytes }
}
