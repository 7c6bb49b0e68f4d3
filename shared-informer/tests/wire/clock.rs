//! Clocks that the test moves by hand.

use std::sync::Mutex;
use std::time::Duration;

use shared_informer::clock::{Mono, Now, Wall};
use shared_informer::clocks::{Clocks, Reached};
use tokio::sync::watch;

/// Both clocks, which move together unless the wall clock is set.
pub(crate) struct ByHand {
    passed: watch::Sender<Duration>,
    /// How far the wall clock was set forward.
    ahead: Mutex<Duration>,
}

/// What the wall clock shows at the beginning; the monotonic one shows [`BORN`].
const BEGIN: Duration = Duration::from_hours(500_000);
const BORN: Duration = Duration::from_secs(50);

impl ByHand {
    pub(crate) fn new() -> Self {
        Self { passed: watch::Sender::new(Duration::ZERO), ahead: Mutex::default() }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.passed.send_modify(|passed| *passed += time);
    }

    /// As somebody does who corrects the time: nobody who waits is told.
    pub(crate) fn set_wall_forward(&self, by: Duration) {
        *self.ahead.lock().unwrap() += by;
    }
}

impl Clocks for ByHand {
    fn now(&self) -> Now {
        let (passed, ahead) = (*self.passed.borrow(), *self.ahead.lock().unwrap());
        Now { wall: Wall::new(BEGIN + passed + ahead), mono: Mono::new(BORN + passed) }
    }

    fn reached(&self, until: Mono) -> Reached<'_> {
        let mut passed = self.passed.subscribe();
        let wanted = until.since_origin().saturating_sub(BORN);
        Box::pin(async move {
            if passed.wait_for(|passed| *passed >= wanted).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
