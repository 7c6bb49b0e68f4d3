//! `statfs` on threads of its own, because it may never return: a dead NFS server holds it for ever.
//!
//! The collector thread hands over all questions of a scrape at once and waits for at most the time limit, whatever
//! hangs. One worker serves a healthy host; while a question makes no progress, another worker takes over the rest,
//! so the other mounts are still answered in the same scrape. A mount that did not answer is not asked again
//! before it has answered, and then once without waiting. Stuck workers are bounded by filesystem type and in all;
//! above that, questions are refused. Every question gets exactly one [`Answer`].

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::usage::Figures;

#[cfg(test)]
pub(super) mod tests;

/// The most workers that may be stuck in filesystems of one type.
pub(super) const MAX_STUCK_OF_A_TYPE: usize = 4;
/// The most workers at all.
pub(super) const MAX_WORKERS: usize = 12;
/// A worker's stack: it makes one system call.
const STACK: usize = 64 << 10;
/// The part of the time limit after which another worker is started.
const PATIENCE: u32 = 8;

/// The system call, or what a test puts in its place.
type Call = dyn Fn(&Path) -> io::Result<Figures> + Send + Sync;
/// The monotonic time since some origin.
type Clock = dyn Fn() -> Duration + Send + Sync;

/// What a mount was asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// The path under which this process reaches the mount.
    pub(super) path: Arc<Path>,
    /// The filesystem's type.
    pub(super) fs_type: Arc<str>,
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Answer {
    /// The kernel's figures.
    Figures(Figures),
    /// The kernel's error.
    Failed(io::Error),
    /// Nothing within the time limit, now or when the mount was last asked.
    Late,
    /// Not asked: too many workers are stuck.
    Refused,
}

/// The collector thread's side.
pub(super) struct Pool {
    shared: Arc<Shared>,
    limit: Duration,
    /// Without an answer for so long, another worker is started.
    patience: Duration,
    next_ticket: u64,
    /// Questions of earlier scrapes without an answer yet.
    outstanding: Vec<(u64, Question)>,
    /// Mounts whose last answer was late: asked without waiting until they answer in time.
    slow: HashSet<Arc<Path>>,
}

struct Shared {
    call: Box<Call>,
    clock: Box<Clock>,
    board: Mutex<Board>,
    /// There are jobs, or the pool is gone.
    work: Condvar,
    /// Nothing is waited for any more.
    done: Condvar,
}

/// A ticket, how long the call took, and what it gave.
type Answered = (u64, Duration, io::Result<Figures>);

#[derive(Default)]
struct Board {
    jobs: VecDeque<(u64, Question)>,
    running: Vec<(u64, Arc<str>)>,
    answers: Vec<Answered>,
    /// Tickets from here on are waited for.
    waited_from: u64,
    /// So many of them have no answer.
    waited: usize,
    workers: usize,
    idle: usize,
    closing: bool,
}

impl Pool {
    /// A pool around the real system call; `limit` bounds the wait of one [`Pool::ask`].
    pub(super) fn new(limit: Duration) -> Self {
        let origin = Instant::now();
        let patience = (limit / PATIENCE).max(Duration::from_millis(1));
        Self::with(limit, patience, Box::new(statfs), Box::new(move || origin.elapsed()))
    }

    /// A pool around `call` that reads the time from `clock`.
    pub(super) fn with(limit: Duration, patience: Duration, call: Box<Call>, clock: Box<Clock>) -> Self {
        let board = Mutex::default();
        let shared = Shared { call, clock, board, work: Condvar::new(), done: Condvar::new() };
        let (outstanding, slow) = (Vec::new(), HashSet::new());
        Self { shared: Arc::new(shared), limit, patience, next_ticket: 0, outstanding, slow }
    }

    /// Asks every mount and waits for at most the time limit. The answers are in the order of the questions.
    pub(super) fn ask(&mut self, questions: &[Question]) -> Vec<Answer> {
        let shared = Arc::clone(&self.shared);
        let mut board = shared.lock();
        for answered in std::mem::take(&mut board.answers) {
            self.take_late(&answered);
        }
        let mut answers: Vec<_> = questions.iter().map(|_| Answer::Late).collect();
        let mut waited = Vec::new();
        let mut background = Vec::new();
        for (index, question) in questions.iter().enumerate() {
            if self.outstanding.iter().any(|(_, asked)| asked.path == question.path) {
                continue;
            }
            if board.is_refused(&question.fs_type) {
                answers[index] = Answer::Refused;
            } else if self.slow.contains(&question.path) {
                background.push(question);
            } else {
                waited.push(index);
            }
        }
        for question in background {
            let ticket = self.hand_over(&mut board, question);
            self.outstanding.push((ticket, question.clone()));
        }
        let first = self.next_ticket;
        for index in &waited {
            self.hand_over(&mut board, &questions[*index]);
        }
        board.waited_from = first;
        board.waited = waited.len();
        board = shared.wait(board, self.limit, self.patience);
        board.waited = 0;
        let index_of = |ticket: u64| waited.get(usize::try_from(ticket.checked_sub(first)?).ok()?).copied();
        for answered in std::mem::take(&mut board.answers) {
            match index_of(answered.0) {
                Some(index) => answers[index] = answered.2.map_or_else(Answer::Failed, Answer::Figures),
                None => self.take_late(&answered),
            }
        }
        // What was not begun is taken back; what was begun stays outstanding.
        board.jobs.retain(|(ticket, _)| *ticket < first);
        for (ticket, _) in &board.running {
            if let Some(index) = index_of(*ticket) {
                self.outstanding.push((*ticket, questions[index].clone()));
            }
        }
        answers
    }

    /// Puts a question on the board, wakes or starts a worker for it, and answers its ticket.
    fn hand_over(&mut self, board: &mut Board, question: &Question) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        board.jobs.push_back((ticket, question.clone()));
        if board.idle > 0 {
            self.shared.work.notify_one();
        } else if board.workers == board.running.len() {
            Shared::start_worker(&self.shared, board);
        }
        ticket
    }

    /// Takes the answer to a question of an earlier scrape: too old to report, but the mount is alive.
    fn take_late(&mut self, (ticket, took, _): &Answered) {
        let Some(place) = self.outstanding.iter().position(|(asked, _)| asked == ticket) else { return };
        let (_, question) = self.outstanding.swap_remove(place);
        if *took > self.limit {
            self.slow.insert(question.path);
        } else {
            self.slow.remove(&question.path);
        }
    }

    /// Forgets mounts that are no longer there; one that is stuck stays until it answers.
    pub(super) fn retain(&mut self, mut is_there: impl FnMut(&Path) -> bool) {
        self.slow.retain(|path| is_there(path));
    }
}

impl Drop for Pool {
    /// Sends the workers home. One that is stuck cannot be joined; it ends when its call returns.
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.work.notify_all();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").field("outstanding", &self.outstanding).finish_non_exhaustive()
    }
}

impl Board {
    fn running_of(&self, fs_type: &str) -> usize {
        self.running.iter().filter(|(_, running)| **running == *fs_type).count()
    }

    /// Whether workers enough are stuck: in this type, or in all.
    fn is_refused(&self, fs_type: &str) -> bool {
        self.running_of(fs_type) >= MAX_STUCK_OF_A_TYPE || self.running.len() >= MAX_WORKERS
    }

    /// The first job whose type may have another worker.
    fn next_job(&mut self) -> Option<(u64, Question)> {
        let may_run =
            |(_, question): &(u64, Question)| self.running_of(&question.fs_type) < MAX_STUCK_OF_A_TYPE;
        let place = self.jobs.iter().position(may_run)?;
        self.jobs.remove(place)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing is waited for or the limit has passed; adds a worker while there is no progress.
    fn wait<'a>(
        self: &'a Arc<Self>,
        mut board: MutexGuard<'a, Board>,
        limit: Duration,
        patience: Duration,
    ) -> MutexGuard<'a, Board> {
        let begin = (self.clock)();
        while board.waited > 0 && (self.clock)().saturating_sub(begin) < limit {
            let before = board.waited;
            board = self.done.wait_timeout(board, patience).unwrap_or_else(PoisonError::into_inner).0;
            if board.waited == before && board.idle == 0 && !board.jobs.is_empty() {
                Self::start_worker(self, &mut board);
            }
        }
        board
    }

    /// Starts a worker, within the bound. Where the system has no thread to give, the questions are late.
    fn start_worker(shared: &Arc<Self>, board: &mut Board) {
        if board.workers >= MAX_WORKERS {
            return;
        }
        let worker = Arc::clone(shared);
        let thread = std::thread::Builder::new().name("tare-statfs".to_owned()).stack_size(STACK);
        if thread.spawn(move || worker.work()).is_ok() {
            board.workers += 1;
        }
    }

    /// A worker's life: it takes jobs until another worker is idle as well.
    fn work(&self) {
        let mut board = self.lock();
        while !board.closing {
            if let Some((ticket, question)) = board.next_job() {
                board.running.push((ticket, question.fs_type));
                drop(board);
                let begin = (self.clock)();
                let answer = (self.call)(&question.path);
                let took = (self.clock)().saturating_sub(begin);
                board = self.lock();
                board.running.retain(|(running, _)| *running != ticket);
                board.answers.push((ticket, took, answer));
                if ticket >= board.waited_from {
                    board.waited = board.waited.saturating_sub(1);
                    if board.waited == 0 {
                        self.done.notify_all();
                    }
                }
            } else if board.idle > 0 {
                break;
            } else {
                board.idle += 1;
                board = self.work.wait(board).unwrap_or_else(PoisonError::into_inner);
                board.idle -= 1;
            }
        }
        board.workers -= 1;
    }
}

/// The real call.
fn statfs(path: &Path) -> io::Result<Figures> {
    let answer = rustix::fs::statfs(path)?;
    Ok(Figures {
        block_size: u64::try_from(answer.f_bsize).unwrap_or(0),
        blocks: answer.f_blocks,
        free: answer.f_bfree,
        available: answer.f_bavail,
        files: answer.f_files,
        files_free: answer.f_ffree,
    })
}
