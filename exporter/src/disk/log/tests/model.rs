//! The log beside a plain list, under random operations, failures of the disk and kills of the process.

use super::*;

const CAP: u64 = 200 << 10;

#[derive(Debug, Clone)]
enum Step {
    Append {
        length: usize,
    },
    Next,
    Done,
    Release,
    Wait {
        seconds: u64,
    },
    Break(Fault),
    Heal,
    /// The process is killed, and another opens the folder.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![4 => 0_usize..2_000, 2 => 8_000_usize..90_000];
    let fault = prop_oneof![Just(Fault::Full), Just(Fault::ReadOnly), Just(Fault::Dead)];
    prop_oneof![
        8 => length.prop_map(|length| Step::Append { length }),
        6 => Just(Step::Next),
        4 => Just(Step::Done),
        1 => Just(Step::Release),
        1 => (0_u64..10).prop_map(|seconds| Step::Wait { seconds }),
        1 => fault.prop_map(Step::Break),
        2 => Just(Step::Heal),
        1 => Just(Step::Kill),
    ]
}

struct Bench {
    files: Faulty,
    log: Log,
    now: u64,
    appended: u64,
    /// Ids that wait, and the one that is lent, which is none of them.
    waiting: VecDeque<u64>,
    lent: Option<(u64, u64)>,
    /// Done, but the cursor may not say so: they may come again in the next life.
    undurable: VecDeque<u64>,
}

impl Bench {
    /// Deletes from the front what the log says it lost.
    fn lose(&mut self) {
        let lost = self.log.take_lost();
        assert_eq!((lost.damaged, lost.evicted), (0, lost.count), "what is lost made room");
        let gone: Vec<u64> =
            self.waiting.drain(..usize::try_from(lost.count.requests).expect("few")).collect();
        assert_eq!(lost.count.points, gone.iter().map(|id| id % 7).sum::<u64>());
    }

    fn release(&mut self) {
        self.log.release();
        if let Some((id, _)) = self.lent.take() {
            // At the front whether it waits again or is lost with its segment.
            self.waiting.push_front(id);
        }
        self.lose();
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Append { length } => {
                let id = self.appended;
                self.appended += 1;
                let answer = self.log.append(record(id, length), Duration::from_secs(self.now));
                self.lose();
                if answer.is_ok() {
                    self.waiting.push_back(id);
                }
            }
            Step::Next => {
                self.release();
                if let Ok(got) = self.log.next() {
                    let expected = self.waiting.pop_front();
                    assert_eq!(got.as_ref().map(|got| got.first.0), expected);
                    self.lent = got.map(|got| {
                        assert_eq!(got.payload, body(got.first.0, got.payload.len() - 8));
                        (got.first.0, got.number)
                    });
                }
                self.lose();
            }
            Step::Done => {
                if let Some((id, number)) = self.lent.take() {
                    match self.log.done(number) {
                        Ok(done) => assert!(done),
                        Err(_) => self.undurable.push_back(id),
                    }
                }
            }
            Step::Release => self.release(),
            Step::Wait { seconds } => {
                self.now += seconds;
                let _ = self.log.sync(Duration::from_secs(self.now));
            }
            Step::Break(fault) => self.files.set(fault),
            Step::Heal => self.files.set(Fault::None),
            Step::Kill => self.kill(),
        }
    }

    fn kill(&mut self) {
        self.files.set(Fault::None);
        self.log = open(&self.files, CAP);
        if let Some((id, _)) = self.lent.take() {
            self.waiting.push_front(id);
        }
        let recovered = usize::try_from(self.log.recovered().requests).expect("few");
        let mut all = std::mem::take(&mut self.undurable);
        all.append(&mut self.waiting);
        assert!(recovered <= all.len(), "nothing comes from nowhere");
        self.waiting = all.split_off(all.len() - recovered);
        self.lose();
    }

    fn check(&self) {
        let level = self.log.level().count;
        let all = self.waiting.iter().copied().chain(self.lent.map(|(id, _)| id));
        let points = all.clone().map(|id| id % 7).sum();
        assert_eq!(level, Count { requests: all.count() as u64, points });
        assert!(self.files.bytes() <= CAP + 64, "{} with the cursor", self.files.bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn under_failures_and_kills_the_log_is_a_list_that_drops_its_oldest(steps in vec(step(), 0..120)) {
        let files = Faulty::default();
        let log = open(&files, CAP);
        let (waiting, undurable) = (VecDeque::new(), VecDeque::new());
        let mut bench = Bench { files, log, now: 0, appended: 0, waiting, lent: None, undurable };
        for step in steps {
            bench.apply(step);
            bench.check();
        }
        bench.kill();
        bench.check();
        let left: Vec<u64> = bench.waiting.iter().copied().collect();
        assert_eq!(drain(&mut bench.log), left);
        assert_eq!(bench.files.names().len(), usize::from(bench.files.names().contains(&names::CURSOR.to_owned())));
    }

    #[test]
    fn whatever_rots_only_what_was_written_comes_out_in_order_and_once(
        lengths in vec(0_usize..30_000, 1..16),
        flips in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..8), 1..8),
    ) {
        let files = Faulty::default();
        let mut log = open(&files, 800 << 10);
        for (id, length) in lengths.iter().enumerate() {
            log.append(record(id as u64, *length), NOW).expect("written");
        }
        drop(log);
        for (file, at, bit) in &flips {
            let name = file.get(&files.names()).clone();
            files.edit(&name, |data| {
                let at = at.index(data.len());
                data[at] ^= 1 << bit;
            });
        }
        let mut log = open(&files, 800 << 10);
        let ids = drain(&mut log);
        prop_assert!(ids.is_sorted_by(|one, two| one < two));
        prop_assert!(ids.len() + flips.len() >= lengths.len(), "a flip costs one record at most");
    }
}
