use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};

use super::*;

const LIMIT: Duration = Duration::from_mins(1);

/// A machine whose mounts under `/dead` hang until they are released.
///
/// Its clock stands still until everything that can happen has happened, and then jumps past the limit, so that
/// nothing here depends on how long anything takes.
#[derive(Default)]
pub(in crate::collectors::filesystem) struct Machine {
    released: Mutex<bool>,
    release: Condvar,
    hanging: AtomicUsize,
    answered: AtomicUsize,
    /// The clock jumps when so many calls were answered and so many hang; `None` for never.
    jump_at: Mutex<Option<(usize, usize)>>,
    jumps: AtomicU32,
}

impl Machine {
    pub(in crate::collectors::filesystem) fn pool(self: &Arc<Self>) -> Pool {
        let (machine, clock) = (Arc::clone(self), Arc::clone(self));
        let call = move |path: &Path| machine.call(path);
        Pool::with(LIMIT, Duration::from_millis(1), Box::new(call), Box::new(move || clock.time()))
    }

    fn call(&self, path: &Path) -> io::Result<Figures> {
        if path.components().any(|part| part.as_os_str() == "dead") {
            let mut released = self.released.lock().unwrap();
            self.hanging.fetch_add(1, SeqCst);
            while !*released {
                released = self.release.wait(released).unwrap();
            }
            self.hanging.fetch_sub(1, SeqCst);
        } else {
            self.answered.fetch_add(1, SeqCst);
        }
        if path.starts_with("/broken") {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(Figures { block_size: 1, blocks: 7, free: 3, available: 2, files: 5, files_free: 4 })
    }

    fn time(&self) -> Duration {
        let jump_at = *self.jump_at.lock().unwrap();
        let is_over = jump_at.is_some_and(|(answered, hanging)| {
            self.answered.load(SeqCst) >= answered && self.hanging.load(SeqCst) >= hanging
        });
        LIMIT * (2 * self.jumps.load(SeqCst) + 2 * u32::from(is_over))
    }

    /// Lets the limit pass once `healthy` more calls were answered and `dead` calls hang.
    pub(in crate::collectors::filesystem) fn pass_limit_after(&self, healthy: usize, dead: usize) {
        *self.jump_at.lock().unwrap() = Some((self.answered.load(SeqCst) + healthy, dead));
    }

    /// The limit has passed: the clock goes on from there.
    pub(in crate::collectors::filesystem) fn stop_clock(&self) {
        if self.jump_at.lock().unwrap().take().is_some() {
            self.jumps.fetch_add(1, SeqCst);
        }
    }

    /// Lets every hanging call return and waits until no worker of `pool` is in a call.
    pub(in crate::collectors::filesystem) fn release(&self, pool: &Pool) {
        *self.released.lock().unwrap() = true;
        self.release.notify_all();
        while !pool.shared.lock().running.is_empty() {
            std::thread::yield_now();
        }
    }
}

fn question(path: &str, fs_type: &str) -> Question {
    Question { path: Path::new(path).into(), fs_type: fs_type.into() }
}

fn ask(pool: &mut Pool, questions: &[Question]) -> Vec<String> {
    let name = |answer: Answer| match answer {
        Answer::Figures(figures) => figures.blocks.to_string(),
        Answer::Failed(error) => error.kind().to_string(),
        Answer::Late => "late".to_owned(),
        Answer::Refused => "refused".to_owned(),
    };
    pool.ask(questions).into_iter().map(name).collect()
}

/// So many dead mounts of one type.
fn dead(fs_type: &str, count: usize) -> Vec<Question> {
    (0..count).map(|number| question(&format!("/dead/{fs_type}{number}"), fs_type)).collect()
}

#[test]
fn one_worker_answers_every_mount_of_a_healthy_host_in_order() {
    let machine = Arc::new(Machine::default());
    let mut pool = machine.pool();
    let questions = [question("/", "ext4"), question("/broken", "xfs"), question("/var", "ext4")];
    for _ in 0..3 {
        assert_eq!(ask(&mut pool, &questions), ["7", "permission denied", "7"]);
    }
    assert!(ask(&mut pool, &[]).is_empty());
}

#[test]
fn a_mount_that_hangs_is_late_and_the_others_are_answered_in_the_same_scrape() {
    let machine = Arc::new(Machine::default());
    let mut pool = machine.pool();
    let questions = [question("/dead/nfs", "nfs4"), question("/", "ext4"), question("/var", "ext4")];
    machine.pass_limit_after(2, 1);
    assert_eq!(ask(&mut pool, &questions), ["late", "7", "7"]);
    machine.stop_clock();
    // From now on it is skipped: the clock stands still, so waiting for it would never end.
    assert_eq!(ask(&mut pool, &questions), ["late", "7", "7"]);
    assert_eq!(machine.hanging.load(SeqCst), 1, "a stuck mount is not asked twice");
    machine.release(&pool);
}

#[test]
fn a_mount_that_came_back_is_asked_once_without_waiting_and_then_as_any_other() {
    let machine = Arc::new(Machine::default());
    let mut pool = machine.pool();
    let questions = [question("/dead/nfs", "nfs4")];
    machine.pass_limit_after(0, 1);
    assert_eq!(ask(&mut pool, &questions), ["late"]);
    machine.stop_clock();
    machine.release(&pool);
    assert_eq!(ask(&mut pool, &questions), ["late"], "its late answer makes it slow: asked without waiting");
    while !pool.shared.lock().running.is_empty() || !pool.shared.lock().jobs.is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(ask(&mut pool, &questions), ["7"]);
}

#[test]
fn stuck_mounts_of_one_type_are_bounded_and_other_types_still_answered() {
    let machine = Arc::new(Machine::default());
    let mut pool = machine.pool();
    let mut questions = dead("nfs4", MAX_STUCK_OF_A_TYPE + 3);
    questions.push(question("/", "ext4"));
    machine.pass_limit_after(1, MAX_STUCK_OF_A_TYPE);
    let answers = ask(&mut pool, &questions);
    assert_eq!(answers.iter().filter(|answer| *answer == "late").count(), MAX_STUCK_OF_A_TYPE + 3);
    assert_eq!(answers.last().unwrap(), "7");
    machine.stop_clock();
    let answers = ask(&mut pool, &questions);
    assert_eq!(answers.iter().filter(|answer| *answer == "refused").count(), 3, "{answers:?}");
    assert_eq!(answers.last().unwrap(), "7");
    assert_eq!(machine.hanging.load(SeqCst), MAX_STUCK_OF_A_TYPE);
    machine.release(&pool);
}

#[test]
fn with_every_worker_stuck_everything_is_refused_at_once() {
    let machine = Arc::new(Machine::default());
    let mut pool = machine.pool();
    let mut questions: Vec<_> =
        ["nfs", "nfs4", "cifs"].into_iter().flat_map(|fs_type| dead(fs_type, MAX_STUCK_OF_A_TYPE)).collect();
    assert_eq!(questions.len(), MAX_WORKERS);
    machine.pass_limit_after(0, MAX_WORKERS);
    assert_eq!(ask(&mut pool, &questions), vec!["late"; MAX_WORKERS]);
    machine.stop_clock();
    questions.push(question("/", "ext4"));
    assert_eq!(ask(&mut pool, &questions).last().unwrap(), "refused");
    machine.release(&pool);
    assert_eq!(ask(&mut pool, &[question("/", "ext4")]), ["7"], "they are at work again");
}

#[test]
fn workers_go_home_with_the_pool() {
    let machine = Arc::new(Machine::default());
    let mut pool = machine.pool();
    ask(&mut pool, &[question("/", "ext4")]);
    let shared = Arc::downgrade(&pool.shared);
    drop(pool);
    while shared.upgrade().is_some() {
        std::thread::yield_now();
    }
}

#[test]
fn the_real_call_answers_for_this_machines_root() {
    let mut pool = Pool::new(LIMIT);
    let answers = pool.ask(&[question("/", "any"), question("/nonexistent", "any")]);
    assert!(matches!(&answers[0], Answer::Figures(figures) if figures.block_size > 0), "{answers:?}");
    assert!(matches!(&answers[1], Answer::Failed(error) if error.kind() == io::ErrorKind::NotFound));
}
