//! Clocks that the test moves by hand.

use std::time::Duration;

use shared_informer::clock::{Mono, Now, Wall};
use shared_informer::clocks::{Clocks, Reached};
use tokio::sync::watch;

/// Both clocks, which move together.
pub(crate) struct ByHand(watch::Sender<Duration>);

/// What the wall clock shows at the beginning; the monotonic one shows [`BORN`].
const BEGIN: Duration = Duration::from_hours(500_000);
const BORN: Duration = Duration::from_secs(50);

impl ByHand {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Duration::ZERO))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.send_modify(|passed| *passed += time);
    }
}

impl Clocks for ByHand {
    fn now(&self) -> Now {
        let passed = *self.0.borrow();
        Now { wall: Wall::new(BEGIN + passed), mono: Mono::new(BORN + passed) }
    }

    fn reached(&self, until: Mono) -> Reached<'_> {
        let mut passed = self.0.subscribe();
        let wanted = until.since_origin().saturating_sub(BORN);
        Box::pin(async move {
            if passed.wait_for(|passed| *passed >= wanted).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
