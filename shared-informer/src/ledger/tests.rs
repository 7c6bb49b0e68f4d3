use proptest::prelude::*;

use super::*;
use crate::clock::Wall;
use crate::phase::Phase;
use crate::reviews::Answer;
use crate::turns::{Decision, LENGTH, Turns};

const T: Duration = Duration::from_secs(160);
const GOOD: Answer = Answer::Status { code: 200, after: Duration::from_millis(20) };
const LIST: Request = Request::List { again: false };
const LISTED: u64 = 100_000;

/// A node whose clocks are told, with its ledger.
struct Node {
    now: Now,
    turns: Turns,
    slots: Turns,
    ledger: Ledger,
}

impl Node {
    fn new(limits: Limits) -> Self {
        let mono = Mono::new(Duration::from_secs(1_000));
        let guard = Guard::new(T, mono, T);
        let turns = |salt| Turns::new("node-1", salt, Mono::new(Duration::ZERO), None);
        let now = Now { wall: Wall::new(Duration::from_secs(1_700_000_000)), mono };
        let ledger = Ledger::new(limits, guard, 1_000_000);
        Self { now, turns: turns(Salt::Turn), slots: turns(Salt::Scrape), ledger }
    }

    fn plenty() -> Self {
        Self::new(Limits { nodes: 1, list_bytes_per_second: 1e9, list_bytes: Some(LISTED) })
    }

    fn pass(&mut self, time: Duration) {
        self.now = Now { wall: self.now.wall.plus(time), mono: self.now.mono.plus(time) };
    }

    fn slot(&mut self, salt: Salt) -> Turn {
        let phase = Phase::of("node-1", salt);
        let next = phase.at_or_after(self.now.wall.plus(Duration::from_millis(1)), T);
        self.pass(next.since(self.now.wall));
        let turns = if salt == Salt::Turn { &mut self.turns } else { &mut self.slots };
        let Decision::Start(turn) = turns.poll(self.now, T) else { panic!("no turn at its instant") };
        turn
    }

    fn begin(&mut self) {
        let turn = self.slot(Salt::Turn);
        self.ledger.begin(self.now, turn);
    }

    fn grant(&mut self, request: Request) -> Result<Ticket, Refusal> {
        self.ledger.grant(self.now, request).map(|(_, ticket)| ticket)
    }

    fn answer(&mut self, ticket: Ticket, status: Status) {
        self.ledger.settle(self.now, ticket, status, LISTED);
    }

    /// Sends and hears 200, or is refused.
    fn ask(&mut self, request: Request) -> Result<(), Refusal> {
        let ticket = self.grant(request)?;
        self.answer(ticket, Status::Ok);
        Ok(())
    }

    fn counted(&self, request: Request, status: Status) -> u64 {
        self.ledger.counts().get(request.asked(), status)
    }
}

#[test]
fn nothing_is_granted_outside_a_turn() {
    let mut node = Node::plenty();
    assert_eq!(node.grant(Request::Size), Err(Refusal::Turn));
    node.begin();
    node.pass(LENGTH);
    assert_eq!(node.grant(Request::Size), Err(Refusal::Turn));
    assert_eq!(node.ledger.refused().collect::<Vec<_>>(), [(Refusal::Turn, 2)]);
}

#[test]
fn a_slot_for_scrapes_is_no_turn_and_a_turn_is_no_slot() {
    let mut node = Node::plenty();
    let slot = node.slot(Salt::Scrape);
    let now = node.now;
    node.ledger.begin(now, slot);
    assert_eq!(node.grant(Request::Size), Err(Refusal::Turn));
    let turn = node.slot(Salt::Turn);
    let now = node.now;
    assert_eq!(node.ledger.scrape(now, &turn), Err(Refusal::Turn));
}

#[test]
fn only_the_pairs_of_the_design_share_a_turn() {
    let all = [LIST, Request::Watch, Request::Size];
    let allowed = [(LIST, Request::Watch), (Request::Watch, Request::Size), (Request::Size, Request::Watch)];
    for first in all {
        for second in all {
            let mut node = Node::plenty();
            node.begin();
            assert_eq!(node.ask(first), Ok(()));
            let expected =
                if allowed.contains(&(first, second)) { Ok(()) } else { Err(Refusal::Combination) };
            assert_eq!(node.ask(second), expected, "{first:?} {second:?}");
        }
    }
}

#[test]
fn a_third_request_waits_for_another_turn() {
    let mut node = Node::plenty();
    node.begin();
    assert_eq!(
        [node.ask(LIST), node.ask(Request::Watch), node.ask(Request::Size)],
        [Ok(()), Ok(()), Err(Refusal::Spent)]
    );
    node.begin();
    assert_eq!(node.ask(Request::Size), Ok(()));
}

#[test]
fn no_request_follows_one_that_failed_or_has_no_answer_yet() {
    for failure in Status::ALL.iter().copied().filter(|status| !status.is_success()) {
        let mut node = Node::plenty();
        node.begin();
        let permit = node.grant(LIST).unwrap();
        assert_eq!(node.grant(Request::Watch), Err(Refusal::Failed), "no answer yet");
        node.answer(permit, failure);
        assert_eq!(node.grant(Request::Watch), Err(Refusal::Failed), "{failure:?}");
        assert_eq!(node.counted(LIST, failure), 1);
    }
}

#[test]
fn what_has_no_answer_at_the_end_of_the_turn_counts_as_none_and_never_again() {
    let mut node = Node::plenty();
    node.begin();
    let permit = node.grant(Request::Watch).unwrap();
    assert_eq!(node.ledger.outstanding(), [(Request::Watch.asked(), 1)]);
    node.pass(LENGTH);
    let now = node.now;
    node.ledger.tick(now);
    assert_eq!((node.counted(Request::Watch, Status::None), node.ledger.outstanding()), (1, vec![]));
    node.answer(permit, Status::Ok);
    assert_eq!((node.counted(Request::Watch, Status::Ok), node.ledger.counts().total()), (0, 1));
}

#[test]
fn a_crash_hides_no_request() {
    let mut node = Node::plenty();
    node.begin();
    let _sent = node.grant(LIST).unwrap();
    let now = node.now;
    let mut probe = node.ledger.probe_kubelet(now).unwrap();
    let _scraped = node.ledger.grant_scrape(now, &mut probe, Access::Token, Subresource::Stats).unwrap();
    let mut next = Node::plenty();
    next.ledger.adopt(node.ledger.outstanding());
    // The reviews at their dearest: nobody knows how the kubelet fared.
    let reviews = [Asked::TOKEN_REVIEW, Asked::ACCESS_REVIEW]
        .map(|asked| next.ledger.counts().get(asked, Status::None));
    assert_eq!((next.counted(LIST, Status::None), reviews), (1, [5, 5]));
}

#[test]
fn the_guard_refuses_what_a_bug_in_the_turns_would_let_through() {
    let mut node = Node::plenty();
    for refused in [false, false, true] {
        // Turns of another life, without memory: three within one period.
        node.turns = Turns::new("node-1", Salt::Turn, Mono::new(Duration::ZERO), None);
        node.begin();
        let back = node.now.wall;
        assert_eq!(node.grant(Request::Size).is_err(), refused);
        node.pass(Duration::from_secs(6));
        node.now.wall = back.minus(Duration::from_millis(1));
    }
    assert_eq!(node.ledger.refused().collect::<Vec<_>>(), [(Refusal::Guard, 1)]);
}

#[test]
fn a_list_is_followed_by_the_pause_in_which_the_fleet_can_do_the_same() {
    // 1,000 nodes x 100 kB at half of 200 kB/s: 1,000 s.
    let mut node =
        Node::new(Limits { nodes: 1_000, list_bytes_per_second: 200_000.0, list_bytes: Some(LISTED) });
    node.begin();
    assert_eq!(node.ask(LIST), Ok(()));
    let mut refused = 0;
    loop {
        node.begin();
        match node.ask(Request::List { again: true }) {
            Ok(()) => break,
            Err(refusal) => assert_eq!(refusal, Refusal::ListBytes),
        }
        refused += 1;
    }
    assert_eq!(refused, 6); // turns at 160 .. 960 s, not the one at 1,120 s
    assert_eq!(node.counted(Request::List { again: true }, Status::Ok), 1);
}

#[test]
fn a_list_that_was_cut_off_is_charged_as_expected_and_one_that_cannot_fit_is_never_sent() {
    let limits = Limits { nodes: 1, list_bytes_per_second: 2_000.0, list_bytes: Some(LISTED) };
    let mut node = Node::new(limits);
    node.begin();
    let _lost = node.grant(LIST).unwrap();
    node.begin(); // 160 s later: 100 s of pause are over, had it been charged at the moment of the cut
    assert_eq!(node.ask(LIST), Err(Refusal::ListBytes), "charged when the turn was closed");
    let mut node = Node::new(Limits { list_bytes: Some(120_001), ..limits });
    node.begin();
    assert_eq!(node.ask(LIST), Err(Refusal::ListBytes));
}

#[test]
fn a_watch_that_carried_too_much_is_not_opened_again_until_that_is_repaid() {
    let mut node = Node::plenty();
    let now = node.now;
    assert!(matches!(node.ledger.carried(now, 2_000_000), Verdict::CloseUntil(_)));
    let mut refused = 0;
    loop {
        node.begin();
        match node.ask(Request::Watch) {
            Ok(()) => break,
            Err(refusal) => assert_eq!(refusal, Refusal::Carried),
        }
        refused += 1;
    }
    assert!((6..=8).contains(&refused), "{refused}"); // 1,200 s in turns of 160 s
    assert_eq!(node.ledger.carried_total(), 2_000_000);
}

#[test]
fn a_scrape_is_charged_the_reviews_it_causes() {
    let mut node = Node::plenty();
    let slot = node.slot(Salt::Scrape);
    let now = node.now;
    let mut scrape = node.ledger.scrape(now, &slot).unwrap();
    for subresource in [Subresource::Stats, Subresource::Pods] {
        let permit = node.ledger.grant_scrape(now, &mut scrape, Access::Token, subresource).unwrap();
        node.ledger.settle_scrape(now, &mut scrape, permit, GOOD);
    }
    assert_eq!(node.ledger.counts().get(Asked::TOKEN_REVIEW, Status::Created), 1);
    assert_eq!(node.ledger.counts().get(Asked::ACCESS_REVIEW, Status::Created), 2);
    assert_eq!(
        node.ledger.grant_scrape(now, &mut scrape, Access::Token, Subresource::Stats),
        Err(Refusal::Scrape),
        "each subresource once"
    );
}

#[test]
fn a_scrape_ends_with_the_first_answer_that_is_no_200() {
    let mut node = Node::plenty();
    let slot = node.slot(Salt::Scrape);
    let now = node.now;
    let mut scrape = node.ledger.scrape(now, &slot).unwrap();
    let permit = node.ledger.grant_scrape(now, &mut scrape, Access::Token, Subresource::Stats).unwrap();
    let unauthorized = Answer::Status { code: 401, after: Duration::from_secs(3) };
    node.ledger.settle_scrape(now, &mut scrape, permit, unauthorized);
    assert_eq!(node.ledger.counts().get(Asked::TOKEN_REVIEW, Status::None), 5);
    assert!(node.ledger.grant_scrape(now, &mut scrape, Access::Token, Subresource::Pods).is_err());
}

#[test]
fn a_scrape_without_an_answer_is_charged_at_its_dearest_when_its_slot_ends() {
    let mut node = Node::plenty();
    let slot = node.slot(Salt::Scrape);
    let now = node.now;
    let mut scrape = node.ledger.scrape(now, &slot).unwrap();
    let permit = node.ledger.grant_scrape(now, &mut scrape, Access::X509, Subresource::Pods).unwrap();
    node.pass(LENGTH);
    let now = node.now;
    node.ledger.tick(now);
    assert_eq!(node.ledger.counts().get(Asked::ACCESS_REVIEW, Status::None), 10);
    node.ledger.settle_scrape(now, &mut scrape, permit, GOOD);
    assert_eq!(node.ledger.counts().total(), 10, "counted once");
}

#[test]
fn a_turn_holds_one_probe_of_the_kubelet_with_one_request() {
    let mut node = Node::plenty();
    assert_eq!(node.ledger.probe_kubelet(node.now), Err(Refusal::Turn));
    node.begin();
    let now = node.now;
    let mut probe = node.ledger.probe_kubelet(now).unwrap();
    assert!(node.ledger.grant_scrape(now, &mut probe, Access::Token, Subresource::Stats).is_ok());
    assert!(node.ledger.grant_scrape(now, &mut probe, Access::Token, Subresource::Pods).is_err());
    assert_eq!(node.ledger.probe_kubelet(now), Err(Refusal::Turn));
}

proptest! {
    #[test]
    fn every_permit_is_counted_once_and_no_turn_holds_more_than_two(
        turns in prop::collection::vec(prop::collection::vec((0_usize..3, prop::option::of(0_usize..14), 0_u64..2_000), 0..6), 1..40),
    ) {
        let requests = [Request::Size, Request::List { again: true }, Request::Watch];
        let mut node = Node::plenty();
        let mut granted = 0;
        for steps in turns {
            node.begin();
            let mut of_turn = 0;
            for (request, answer, millis) in steps {
                let Ok(permit) = node.grant(requests[request]) else { continue };
                of_turn += 1;
                node.pass(Duration::from_millis(millis));
                if let Some(status) = answer {
                    node.answer(permit, Status::ALL[status]);
                }
            }
            prop_assert!(of_turn <= 2);
            granted += of_turn;
            let outstanding: u64 = node.ledger.outstanding().iter().map(|(_, number)| number).sum();
            prop_assert_eq!(node.ledger.counts().total() + outstanding, granted);
        }
        let now = node.now;
        node.ledger.close(now.mono);
        prop_assert_eq!(node.ledger.counts().total(), granted);
    }
}
