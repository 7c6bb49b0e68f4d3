//! Kept descriptors of `/proc/<pid>/stat`: a `pread` costs half of opening, reading and closing.
//!
//! At most [`LIMIT`] are kept, each with a page of the kernel's; the other processes are opened at each walk. A
//! descriptor whose process has ended answers `ESRCH`, also when the id was given to another process.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::dir::Process;

/// How many descriptors are kept: far below the usual limit of 1,024, and a megabyte of kernel memory.
const LIMIT: usize = 256;

#[derive(Debug)]
struct Kept {
    file: OwnedFd,
    /// The walk that last saw the process.
    seen: u64,
}

/// The descriptors of one walker.
#[derive(Debug, Default)]
pub(in crate::collectors) struct KeptStats {
    files: BTreeMap<u32, Kept>,
    walk: u64,
}

impl KeptStats {
    /// Starts a walk.
    pub(in crate::collectors) fn begin(&mut self) {
        self.walk += 1;
    }

    /// Reads the beginning of the process's `stat`, as much as `text` holds.
    ///
    /// # Errors
    /// The kernel's answer; see [`super::dir::is_gone`].
    pub(in crate::collectors) fn read<'t>(
        &mut self,
        process: Process<'_>,
        text: &'t mut [u8],
    ) -> Result<&'t [u8], Errno> {
        if let Some(kept) = self.files.get_mut(&process.pid) {
            if let Ok(length) = rustix::io::pread(&kept.file, &mut *text, 0) {
                kept.seen = self.walk;
                return Ok(&text[..length]);
            }
            self.files.remove(&process.pid);
        }
        let file = process.open("stat")?;
        let length = rustix::io::pread(&file, &mut *text, 0)?;
        if self.files.len() < LIMIT {
            self.files.insert(process.pid, Kept { file, seen: self.walk });
        }
        Ok(&text[..length])
    }

    /// Ends the walk: processes that it did not meet are let go.
    pub(in crate::collectors) fn finish(&mut self) {
        let walk = self.walk;
        self.files.retain(|_, kept| kept.seen == walk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::process::dir::ProcDir;

    /// Walks the tree and answers what was read of each process, and how many descriptors are kept.
    fn walk(dir: &mut ProcDir, kept: &mut KeptStats) -> (Vec<String>, usize) {
        let mut seen = Vec::new();
        kept.begin();
        dir.for_each_pid(|process| {
            let mut text = [0; 64];
            let read = kept.read(process, &mut text).map(|text| String::from_utf8_lossy(text).into_owned());
            seen.push(read.unwrap_or_else(|errno| errno.to_string()));
        })
        .unwrap();
        kept.finish();
        seen.sort();
        (seen, kept.files.len())
    }

    #[test]
    fn content_is_read_anew_and_processes_that_are_gone_are_let_go() {
        let root = tempfile::tempdir().unwrap();
        let write = |pid: u32, text: &str| {
            std::fs::create_dir_all(root.path().join(pid.to_string())).unwrap();
            std::fs::write(root.path().join(format!("{pid}/stat")), text).unwrap();
        };
        write(1, "one");
        write(2, "two");
        let (mut dir, mut kept) = (ProcDir::new(root.path().to_owned()), KeptStats::default());
        assert_eq!(walk(&mut dir, &mut kept), (vec!["one".to_owned(), "two".to_owned()], 2));
        write(1, "ein");
        std::fs::remove_dir_all(root.path().join("2")).unwrap();
        assert_eq!(walk(&mut dir, &mut kept), (vec!["ein".to_owned()], 1));
    }

    #[test]
    fn no_more_descriptors_are_kept_than_the_bound_and_every_process_is_read() {
        let root = tempfile::tempdir().unwrap();
        for pid in 1..=LIMIT + 50 {
            std::fs::create_dir_all(root.path().join(pid.to_string())).unwrap();
            std::fs::write(root.path().join(format!("{pid}/stat")), "S").unwrap();
        }
        let (mut dir, mut kept) = (ProcDir::new(root.path().to_owned()), KeptStats::default());
        for _ in 0..2 {
            let (seen, files) = walk(&mut dir, &mut kept);
            assert_eq!((seen.len(), files), (LIMIT + 50, LIMIT));
            assert!(seen.iter().all(|text| text == "S"));
        }
    }

    #[test]
    fn a_process_that_ended_is_gone_also_for_a_kept_descriptor() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let (mut dir, mut kept) = (ProcDir::new("/proc".into()), KeptStats::default());
        walk(&mut dir, &mut kept);
        let process = dir.process(child.id()).unwrap();
        let mut text = [0; 64];
        // With many processes on the machine the descriptor may not have been kept: it is the same from outside.
        assert!(kept.read(process, &mut text).is_ok());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(kept.read(process, &mut text), Err(Errno::NOENT));
    }
}
