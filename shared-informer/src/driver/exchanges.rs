//! The requests that are under way. There are three at most (an open watch, its successor, a size probe), so they stand
//! in a list and are asked in turn.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt as _;

use crate::client::Api;
use crate::informer::event::{Event, RequestId};
use crate::wire::exchange::Events;

#[derive(Default)]
pub(super) struct Exchanges {
    running: Vec<Running>,
    /// Whom to ask first, so that a stream that always has something leaves room for the others.
    first: usize,
}

struct Running {
    id: RequestId,
    events: Events,
    /// Its connections live as long as it does. (Dropped after the events.)
    _api: Option<Arc<Api>>,
}

impl Exchanges {
    pub(super) fn add(&mut self, id: RequestId, events: Events, api: Option<Arc<Api>>) {
        self.running.push(Running { id, events, _api: api });
    }

    /// Lets go of a request: its connection is closed.
    pub(super) fn abort(&mut self, id: RequestId) {
        self.running.retain(|running| running.id != id);
    }

    pub(super) fn clear(&mut self) {
        self.running.clear();
    }

    /// The next event of any of them; waits for ever if there is none. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Event {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let mut left = self.running.len();
        while left > 0 {
            left -= 1;
            let at = self.first % self.running.len();
            let Some(running) = self.running.get_mut(at) else { break };
            match running.events.poll_next_unpin(cx) {
                Poll::Ready(Some(event)) => {
                    self.first = at + 1;
                    return Poll::Ready(event);
                }
                Poll::Ready(None) => {
                    self.running.remove(at);
                    self.first = at;
                }
                Poll::Pending => self.first = at + 1,
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, stream};

    use super::*;
    use crate::informer::event::Happened;

    fn opened(id: u64) -> Event {
        Event { id: RequestId(id), bytes: 0, what: Happened::Opened }
    }

    fn next(exchanges: &mut Exchanges) -> Option<u64> {
        exchanges.next().now_or_never().map(|event| event.id.0)
    }

    #[test]
    fn a_stream_that_always_has_something_leaves_room_for_the_others() {
        let mut exchanges = Exchanges::default();
        exchanges.add(RequestId(1), Box::pin(stream::repeat_with(|| opened(1))), None);
        exchanges.add(RequestId(2), Box::pin(stream::iter([opened(2), opened(2)])), None);
        exchanges.add(RequestId(3), Box::pin(stream::pending()), None);
        let heard: Vec<_> = (0..6).filter_map(|_| next(&mut exchanges)).collect();
        assert_eq!(heard, [1, 2, 1, 2, 1, 1]);
        assert_eq!(exchanges.running.len(), 2, "the one that ended is gone");
    }

    #[test]
    fn nothing_is_heard_of_a_request_that_was_let_go_of() {
        let mut exchanges = Exchanges::default();
        exchanges.add(RequestId(1), Box::pin(stream::repeat_with(|| opened(1))), None);
        exchanges.add(RequestId(2), Box::pin(stream::repeat_with(|| opened(2))), None);
        exchanges.abort(RequestId(1));
        assert_eq!((0..3).filter_map(|_| next(&mut exchanges)).collect::<Vec<_>>(), [2, 2, 2]);
        exchanges.abort(RequestId(2));
        assert_eq!(next(&mut exchanges), None);
    }
}
