//! A folder in memory that fails as it is told, and that forgets what was not synced when power is lost.

use super::*;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::disk) enum Fault {
    #[default]
    None,
    /// ENOSPC: a part of a write arrives; deleting and truncating work.
    Full,
    /// EROFS: nothing can be changed.
    ReadOnly,
    /// EIO: nothing works.
    Dead,
    /// Every write arrives whole and is answered with EIO; truncating fails.
    Lying,
    /// EIO for reads of this file.
    Unreadable(String),
}

#[derive(Debug, Default)]
struct Content {
    data: Vec<u8>,
    synced: usize,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Content>,
    fault: Fault,
}

/// Clones share the folder.
#[derive(Debug, Clone, Default)]
pub(in crate::disk) struct Faulty(Arc<Mutex<State>>);

fn errno(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

impl State {
    fn may_change(&self) -> io::Result<()> {
        match self.fault {
            Fault::ReadOnly => Err(errno(EROFS)),
            Fault::Dead => Err(errno(EIO)),
            _ => Ok(()),
        }
    }

    fn may_read(&self, name: &str) -> io::Result<()> {
        match &self.fault {
            Fault::Dead => Err(errno(EIO)),
            Fault::Unreadable(bad) if bad == name => Err(errno(EIO)),
            _ => Ok(()),
        }
    }
}

impl Faulty {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("sound")
    }

    pub(in crate::disk) fn set(&self, fault: Fault) {
        self.state().fault = fault;
    }

    pub(in crate::disk) fn names(&self) -> Vec<String> {
        self.state().files.keys().cloned().collect()
    }

    pub(in crate::disk) fn bytes(&self) -> u64 {
        self.state().files.values().map(|content| content.data.len() as u64).sum()
    }

    pub(in crate::disk) fn edit<T>(&self, name: &str, edit: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        edit(&mut self.state().files.get_mut(name).expect("it is there").data)
    }

    pub(in crate::disk) fn append_all(&self, name: &str, bytes: &[u8]) {
        self.state().files.entry(name.to_owned()).or_default().data.extend_from_slice(bytes);
    }

    pub(in crate::disk) fn lose_power(&self) {
        for content in self.state().files.values_mut() {
            content.data.truncate(content.synced);
        }
    }
}

impl Files for Faulty {
    fn list(&mut self) -> io::Result<Vec<(String, u64)>> {
        let state = self.state();
        state.may_read("")?;
        Ok(state.files.iter().map(|(name, content)| (name.clone(), content.data.len() as u64)).collect())
    }

    fn read(&mut self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let state = self.state();
        state.may_read(name)?;
        let data = state.files.get(name).ok_or(errno(2))?.data.clone();
        if data.len() as u64 > limit { Err(errno(27)) } else { Ok(data) }
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.may_change()?;
        let (part, answer) = match state.fault {
            Fault::Full => (bytes.len() / 2, Err(errno(ENOSPC))),
            Fault::Lying => (bytes.len(), Err(errno(EIO))),
            _ => (bytes.len(), Ok(())),
        };
        state.files.entry(name.to_owned()).or_default().data.extend_from_slice(&bytes[..part]);
        answer
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        let mut state = self.state();
        state.may_change()?;
        if state.fault == Fault::Lying {
            return Err(errno(EIO));
        }
        let content = state.files.get_mut(name).ok_or(errno(2))?;
        content.data.truncate(usize::try_from(length).expect("small"));
        content.synced = content.synced.min(content.data.len());
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.may_change()?;
        let content = state.files.get_mut(name).ok_or(errno(2))?;
        content.synced = content.data.len();
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.may_change()?;
        state.files.remove(name);
        Ok(())
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.may_change()?;
        if state.fault == Fault::Full {
            return Err(errno(ENOSPC));
        }
        state.files.insert(name.to_owned(), Content { data: bytes.to_vec(), synced: bytes.len() });
        Ok(())
    }
}
