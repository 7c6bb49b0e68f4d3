//! The shell's part of every agent: timers, sockets, the state directory, the reader of the kubelet.

use shared_informer::clock::Mono;
use shared_informer::ledger::Scrape;
use shared_informer::pod::Head;

use super::super::scenario::BOOKMARK_BYTES;
use super::super::time::Clocks;
use super::{
    Answer, Ask, Command, End, Engine, Event, Happened, Health, Held, IN_FLIGHT, Item, MINUTE, Millis,
    RequestId, SECOND, SUBRESOURCES, Scraped, Scraping, Send, Stream, What, host, millis,
};

impl Engine {
    /// The agent's timer.
    pub(super) fn wake(&mut self, at: Millis, index: u32) {
        let now = self.now(index, at);
        let host = &mut self.hosts[index as usize];
        (host.due, host.wake_at) = (Millis::MAX, Millis::MAX);
        if let Some(informer) = &mut host.informer {
            informer.wake(now);
        }
        self.obey(at, index);
    }

    /// Does what the informer asks for, and sets its timer.
    pub(super) fn obey(&mut self, at: Millis, index: u32) {
        loop {
            let Some(informer) = &mut self.hosts[index as usize].informer else { return };
            let Some(command) = informer.next_command() else { break };
            self.execute(at, index, command);
        }
        let now = self.now(index, at);
        let host = &self.hosts[index as usize];
        let Some(informer) = &host.informer else { return };
        let after = |wake: Mono| at.saturating_add(millis(wake.since(now.mono)));
        let mut due = after(informer.next_wake());
        if due >= host.due {
            return;
        }
        let alive = after(informer.next_wake_while_watching());
        if due < alive
            && let Some(stream) = &host.stream
        {
            due = due.max(self.brings_bookmarks_until(at, stream).min(alive));
        }
        // The scheduler of a real machine is a little late; now and then by more than a turn may be.
        let late = if self.random.once_in(2_000) { self.random.below(3_000) } else { self.random.below(20) };
        let wake_at = due.max(at + 1).saturating_add(late);
        let host = &mut self.hosts[index as usize];
        (host.due, host.wake_at) = (due, wake_at);
        let life = host.life;
        self.schedule(wake_at, index, life, What::Wake);
    }

    /// Until when nothing can keep this watch's bookmarks back: to wake an agent before that because of a silence that will not
    /// be one would cost more than everything else in a run. They are handed over when something else happens to the host.
    fn brings_bookmarks_until(&self, at: Millis, stream: &Stream) -> Millis {
        let Clocks { suspends, .. } = &self.scenario.clocks;
        if stream.mute || !self.api.health(at).carries() || self.scenario.clocks.slept(stream.opened, at) {
            return at;
        }
        let troubles = self.scenario.troubles.iter().map(|trouble| trouble.span.from);
        let from = troubles.chain(suspends.iter().map(|span| span.from)).filter(|from| *from > at);
        from.min().unwrap_or(Millis::MAX)
    }

    fn execute(&mut self, at: Millis, index: u32, command: Command) {
        let keeps = self.keeps_disk;
        let host = &mut self.hosts[index as usize];
        let Some(informer) = &mut host.informer else { return };
        match command {
            Command::SaveSpend if keeps => host.disk.spend = Some(informer.spend()),
            Command::SaveSize if keeps => host.disk.size = Some(informer.known_size()),
            Command::SaveIndex if keeps => {
                host.disk.index = informer.known_version().map(|(version, saved)| (version.into(), saved));
            }
            Command::SaveSpend | Command::SaveSize | Command::SaveIndex | Command::RenewCredential => {}
            Command::Send(send) => self.send(at, index, &send),
            Command::Abort(id) => {
                host.request.take_if(|request| *request == id);
                if host.stream.is_some_and(|stream| stream.id == id) {
                    self.closed(at, index);
                }
            }
            Command::Scrape(scrape, _) => {
                host.scraping = None;
                self.scrape(at, index, scrape, 0);
            }
        }
    }

    fn send(&mut self, at: Millis, index: u32, send: &Send) {
        let host = &mut self.hosts[index as usize];
        let (id, life) = (send.id, host.life);
        host.request = Some(id);
        let Some(trouble) = self.api.trouble(at) else { return self.travels(at, index, life, id, &send.ask) };
        match trouble.health {
            Health::Refusing => {
                self.api.lost += 1;
                self.schedule(at + 1, index, life, What::Answer(id, Answer::Refused));
            }
            Health::Partition { .. } if trouble.span.to - at > IN_FLIGHT => self.api.lost += 1,
            Health::Partition { .. } => {
                let held = match &send.ask {
                    Ask::Size => Held::Size,
                    Ask::List { .. } => Held::List,
                    Ask::Watch { resource_version, .. } => Held::Watch(resource_version.parse().unwrap_or(0)),
                };
                let heals = trouble.span.to + self.random.below(100);
                self.schedule(heals, index, life, What::Arrives(id, held));
            }
            _ => self.travels(at, index, life, id, &send.ask),
        }
    }

    /// A request is on its way, and its answer back.
    fn travels(&mut self, at: Millis, index: u32, life: u32, id: RequestId, ask: &Ask) {
        let arrives = at + self.random.below(40);
        let Some((takes, answer)) = self.api.receive(arrives, ask, &mut self.random) else { return };
        let answered = arrives + takes;
        if let (Answer::Opened { .. }, Ask::Watch { timeout, .. }) = (answer, ask) {
            self.schedule(answered + millis(*timeout), index, life, What::Closes(id));
        }
        self.schedule(answered, index, life, What::Answer(id, answer));
    }

    /// What a partition held back arrives, unless its sender has given it up and its kernel with it.
    pub(super) fn arrives(&mut self, at: Millis, index: u32, life: u32, id: RequestId, held: Held) {
        let host = &self.hosts[index as usize];
        let given_up = host.life != life || host.request != Some(id);
        if given_up && !self.orphans {
            self.api.lost += 1;
            return;
        }
        let ask = match held {
            Held::Size => Ask::Size,
            Held::List => Ask::List { limit: 110 },
            // Nobody looks at its time again: it is opened late, and the server's end of it is far away.
            Held::Watch(version) => Ask::Watch {
                resource_version: version.to_string().into(),
                timeout: std::time::Duration::from_millis(30 * MINUTE),
            },
        };
        self.travels(at, index, life, id, &ask);
    }

    /// An answer reaches the agent.
    pub(super) fn answer(&mut self, at: Millis, index: u32, id: RequestId, answer: Answer) {
        let (nodes, created) = (self.nodes, self.created);
        let host = &mut self.hosts[index as usize];
        if host.request.take_if(|request| *request == id).is_none() {
            return;
        }
        if let Answer::Opened { mute } = answer {
            let next_bookmark = at + MINUTE + self.random.below(2 * SECOND);
            let next_change = self.scenario.churn.map_or(Millis::MAX, |churn| churn.next(index, at));
            let stream = Stream { id, opened: at, next_bookmark, next_change, mute };
            if host.stream.replace(stream).is_none() {
                self.api.open += 1;
                self.live.change(at, 1);
            }
        }
        if answer == Answer::Size && !host.probed {
            host.probed = true;
            self.unprobed = self.unprobed.saturating_sub(1);
            if self.unprobed == 0 && self.all_probed.is_none() {
                self.all_probed = Some(at);
            }
        }
        let (what, bytes) = host::happened(answer, nodes, created, self.api.list_bytes);
        self.tell(at, index, Event { id, bytes, what });
        self.obey(at, index);
    }

    /// The open watch ends: the one of this id, or whichever there is.
    pub(super) fn ends(&mut self, at: Millis, index: u32, id: Option<RequestId>, end: End) {
        let Some(stream) = self.hosts[index as usize].stream else { return };
        if id.is_some_and(|id| id != stream.id) {
            return;
        }
        self.closed(at, index);
        self.tell(at, index, Event { id: stream.id, bytes: 0, what: Happened::Ended(end) });
        self.obey(at, index);
    }

    /// Hands over what the open watch has brought until now, each item at its time.
    pub(super) fn bookmarks(&mut self, until: Millis, index: u32) {
        while let Some(stream) = &mut self.hosts[index as usize].stream
            && stream.next_bookmark.min(stream.next_change) <= until
        {
            let Stream { id, opened, mute, next_bookmark, next_change, .. } = *stream;
            let at = next_bookmark.min(next_change);
            let is_bookmark = at == next_bookmark;
            if is_bookmark {
                stream.next_bookmark += MINUTE;
            } else {
                stream.next_change = self.scenario.churn.map_or(Millis::MAX, |churn| at + churn.every);
            }
            // The server has given up a connection whose machine slept for minutes.
            let lost = mute || !self.api.health(at).carries() || self.scenario.clocks.slept(opened, at);
            if lost {
                continue;
            }
            let version = self.api.version(at).to_string().into();
            let (item, bytes) = if is_bookmark {
                (Item::Bookmark(version), BOOKMARK_BYTES)
            } else {
                // What the index makes of a pod is tested elsewhere: here it is the event that counts, and its bytes.
                let (namespace, name, uid) = (None, None, None);
                let head = Head { namespace, name, uid, resource_version: Some(version) };
                (Item::Deleted(Box::new(head)), self.scenario.churn.map_or(0, |churn| churn.bytes))
            };
            self.api.load.carry(at, bytes);
            self.tell(at, index, Event { id, bytes, what: Happened::Item(item) });
            self.obey(at, index);
        }
    }

    fn tell(&mut self, at: Millis, index: u32, event: Event) {
        let (now, span) = (self.now(index, at), self.span);
        let host = &mut self.hosts[index as usize];
        if let Some(informer) = &mut host.informer {
            informer.handle(now, event);
            if informer.known_version().is_some_and(|(_, known)| known == now.wall) {
                host.fresh.sign(at, span);
            }
        }
    }

    /// One request to the kubelet, if the informer permits it.
    fn scrape(&mut self, at: Millis, index: u32, mut scrape: Scrape, asked: usize) {
        let now = self.now(index, at);
        let host = &mut self.hosts[index as usize];
        let Some(informer) = &mut host.informer else { return };
        let Ok(permit) = informer.grant_scrape(now, &mut scrape, SUBRESOURCES[asked]) else { return };
        host.scraping = Some(Box::new(Scraping { scrape, permit, asked: asked + 1 }));
        let life = host.life;
        let (code, took) = match host.kubelet.scrape(at + 2, asked, &mut self.api) {
            Some((code, took)) => (Some(code), took),
            // The reader gives up when its slot is over.
            None => (None, 5 * SECOND),
        };
        self.schedule(at + took, index, life, What::Scraped(code, took));
    }

    pub(super) fn scraped(&mut self, at: Millis, index: u32, code: Option<u16>, took: Millis) {
        let now = self.now(index, at);
        let host = &mut self.hosts[index as usize];
        let (Some(informer), Some(scraping)) = (&mut host.informer, host.scraping.take()) else { return };
        let Scraping { mut scrape, permit, asked } = *scraping;
        let answer = code.map_or(Scraped::None, |code| Scraped::Status { code, after: host::duration(took) });
        informer.settle_scrape(now, &mut scrape, permit, answer);
        let subresources = SUBRESOURCES.len().min(self.scenario.subresources as usize);
        if code == Some(200) && asked < subresources {
            self.scrape(at, index, scrape, asked);
        }
        self.obey(at, index);
    }
}
