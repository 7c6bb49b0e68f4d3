//! The pods that are asked for, and the process by which the network of each is read. Pure.
//!
//! Of a pod's processes outside the host's network the one that started first is taken: that of the sandbox, which lives
//! as long as the pod. A pod with processes in the host's network only is in it, or has not begun yet: a runtime enters
//! the new namespace after it has entered the cgroup, and some leave a helper of their own in it. So that is never final.

#[cfg(test)]
mod tests;

/// How many walks a pod without a process is worth by itself; after that, one whenever pods or containers change.
pub(super) const TRIES: u8 = 3;

/// A process that shows a pod's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// The inode number of its directory.
    pub(super) inode: u64,
    /// When it started, in clock ticks since boot.
    pub(super) start: u64,
    /// The inode number of its `net/dev`, which is that of its network namespace.
    pub(super) namespace: u64,
}

/// A pod.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) uid: Box<str>,
    /// Never used for two pods, so that processes may remember it.
    serial: u32,
    is_wanted: bool,
    /// Absent until a walk finds one, and after it has ended.
    pub(super) process: Option<Process>,
    /// Whether the last walk found processes of it in the host's network.
    pub(super) is_in_host: bool,
    tries: u8,
    /// The namespace of the last process: where several are possible, another process of the same goes before.
    namespace: Option<u64>,
    best: Option<Process>,
}

impl Pod {
    fn new(uid: &str, serial: u32) -> Self {
        Self {
            uid: uid.into(),
            serial,
            is_wanted: true,
            process: None,
            is_in_host: false,
            tries: 0,
            namespace: None,
            best: None,
        }
    }

    /// Its process ended, or left the pod's network.
    pub(super) fn lose(&mut self) {
        self.process = None;
        self.tries = 0;
    }

    /// A process of it that the walk met, in the host's network or another.
    pub(super) fn offer(&mut self, process: Process, host: u64) {
        if process.namespace == host {
            self.is_in_host = true;
            return;
        }
        let rank =
            |process: &Process| (self.namespace != Some(process.namespace), process.start, process.pid);
        if self.best.is_none_or(|best| rank(&process) < rank(&best)) {
            self.best = Some(process);
        }
    }
}

/// The pods in the order of their uids.
#[derive(Debug, Default)]
pub(super) struct Pods {
    rows: Vec<Pod>,
    /// Serial numbers and places during a walk, in the order of the numbers.
    places: Vec<(u32, usize)>,
    serial: u32,
}

impl Pods {
    /// Follows the pods of these uids and forgets every other.
    pub(super) fn follow(&mut self, uids: &[&str]) {
        for pod in &mut self.rows {
            pod.is_wanted = false;
        }
        for uid in uids {
            match self.place(uid) {
                Ok(at) => self.rows[at].is_wanted = true,
                Err(at) => {
                    self.serial = self.serial.wrapping_add(1);
                    self.rows.insert(at, Pod::new(uid, self.serial));
                }
            }
        }
        self.rows.retain(|pod| pod.is_wanted);
    }

    fn place(&self, uid: &str) -> Result<usize, usize> {
        self.rows.binary_search_by(|pod| (*pod.uid).cmp(uid))
    }

    /// The pod of this uid.
    pub(super) fn get_mut(&mut self, uid: &str) -> Option<&mut Pod> {
        let at = self.place(uid).ok()?;
        self.rows.get_mut(at)
    }

    /// Whether a walk may find what is missing, after pods or containers have `changed` or not.
    pub(super) fn need_walk(&self, changed: bool) -> bool {
        self.missing().any(|pod| changed || pod.tries < TRIES)
    }

    /// Whether it has to read every process: one that was read may have been moved since.
    pub(super) fn need_whole_walk(&self) -> bool {
        self.missing().any(|pod| pod.tries == TRIES - 1 && !pod.is_in_host)
    }

    fn missing(&self) -> impl Iterator<Item = &Pod> {
        self.rows.iter().filter(|pod| pod.process.is_none())
    }

    /// Begins a walk.
    pub(super) fn begin(&mut self) {
        self.places.clear();
        for (at, pod) in self.rows.iter_mut().enumerate() {
            self.places.push((pod.serial, at));
            pod.is_in_host &= pod.process.is_some();
            pod.best = None;
        }
        self.places.sort_unstable();
    }

    /// The serial number of the pod of this uid.
    pub(super) fn serial(&self, uid: &str) -> Option<u32> {
        self.place(uid).ok().and_then(|at| self.rows.get(at)).map(|pod| pod.serial)
    }

    /// The pod of this serial number, during a walk.
    pub(super) fn by_serial(&mut self, serial: u32) -> Option<&mut Pod> {
        let at = self.places.binary_search_by_key(&serial, |(serial, _)| *serial).ok()?;
        self.rows.get_mut(self.places[at].1)
    }

    /// Ends a walk.
    pub(super) fn finish(&mut self) {
        for pod in self.rows.iter_mut().filter(|pod| pod.process.is_none()) {
            pod.process = pod.best.take();
            pod.namespace = pod.process.map(|process| process.namespace).or(pod.namespace);
            pod.tries = pod.tries.saturating_add(1);
        }
    }
}
