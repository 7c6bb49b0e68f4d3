//! A node made of folders: cgroups as the systemd driver makes them, links of logs, and a process for each pod.
//!
//! Pods come and go whole, by renaming, as the kernel makes and removes a cgroup. What a pod leaves is used by the next:
//! its name under another uid, its containers' IDs in another pod, both under another uid alone, and always its process id.
//! A link may come later than its container, and stays a while after it.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::nanos;
use super::witness::{Book, Identity, Life};

/// The namespace of every pod.
const NAMESPACE: &str = "churn";
/// Steps after which a late link comes, and after which one of a pod that is gone goes.
const LATE: u64 = 6;
const LINGERS: u64 = 10;
/// Where the processes' ids begin. A pod takes the one that was freed last.
const FIRST_PID: u64 = 1000;

struct Container {
    name: &'static str,
    id: String,
    restarts: u32,
}

struct Pod {
    uid: String,
    name: String,
    pid: u64,
    containers: Vec<Container>,
}

/// What a pod that is gone has left.
#[derive(Default)]
struct Left {
    name: String,
    ids: Vec<String>,
}

/// A link, and the step at which it comes or goes.
struct Due {
    step: u64,
    link: PathBuf,
    target: String,
    uid: String,
}

/// The node.
pub(super) struct FakeNode {
    host: PathBuf,
    pods_folder: PathBuf,
    book: Arc<Mutex<Book>>,
    pods: VecDeque<Pod>,
    left: Left,
    free: Vec<u64>,
    coming: VecDeque<Due>,
    going: VecDeque<Due>,
    step: u64,
    /// Numbers everything that there is or was: each figure tells whose it is.
    number: u64,
}

impl FakeNode {
    /// A node below `host` without pods.
    pub(super) fn new(host: &Path, book: Arc<Mutex<Book>>) -> anyhow::Result<Self> {
        let pods_folder = host.join("sys/fs/cgroup/kubepods.slice/kubepods-besteffort.slice");
        for folder in [&pods_folder, &host.join("var/log/containers"), &host.join("made"), &host.join("proc")]
        {
            fs::create_dir_all(folder)?;
        }
        fs::write(host.join("sys/fs/cgroup/cgroup.controllers"), "cpu io memory pids\n")?;
        let proc = host.join("proc");
        fs::write(proc.join("stat"), "cpu  1 2 3 4\ncpu0 1 2 3 4\nbtime 1700000000\n")?;
        fs::write(proc.join("meminfo"), "MemTotal:        8388608 kB\nMemFree:         4194304 kB\n")?;
        fs::write(proc.join("loadavg"), "0.00 0.00 0.00 1/1 1\n")?;
        let mut node = Self {
            host: host.to_owned(),
            pods_folder,
            book,
            pods: VecDeque::new(),
            left: Left::default(),
            free: Vec::new(),
            coming: VecDeque::new(),
            going: VecDeque::new(),
            step: 0,
            number: 0,
        };
        node.process(1, "/", 0)?;
        Ok(node)
    }

    /// How many pods there are.
    pub(super) fn alive(&self) -> usize {
        self.pods.len()
    }

    /// How many pods and containers there ever were.
    pub(super) fn made(&self) -> usize {
        self.book().lives.len()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pod comes; what else is due happens.
    pub(super) fn step(&mut self) -> anyhow::Result<()> {
        self.step += 1;
        let step = self.step;
        let left = std::mem::take(&mut self.left);
        let fresh = || (0..2).map(|place| format!("{:064x}", (step << 8) | place)).collect::<Vec<_>>();
        let own = format!("pod-{step}");
        let (name, ids) = match step % 5 {
            1 if !left.name.is_empty() => (left.name, fresh()),
            2 if !left.ids.is_empty() => (own, left.ids),
            3 if !left.name.is_empty() => (left.name, left.ids),
            4 => {
                self.restart()?;
                (own, fresh())
            }
            _ => (own, fresh()),
        };
        self.start(name, &ids)?;
        self.follow_links()
    }

    fn start(&mut self, name: String, ids: &[String]) -> anyhow::Result<()> {
        let step = self.step;
        let pid = self.free.pop().unwrap_or(FIRST_PID + self.pods.len() as u64);
        let uid = format!("{step:08x}-0000-4000-8000-{step:012x}");
        let names = ["main", "side"];
        let containers =
            ids.iter().zip(names).map(|(id, name)| Container { name, id: id.clone(), restarts: 0 }).collect();
        let pod = Pod { uid, name, pid, containers };
        let made = self.host.join("made/pod");
        let number = self.write_down(&pod, None);
        group(&made, number)?;
        for container in &pod.containers {
            let number = self.write_down(&pod, Some(container));
            group(&made.join(scope(&container.id)), number)?;
        }
        // Of the sandbox there is no link: nobody may hear of it.
        group(&made.join(scope(&format!("{:064x}", (step << 8) | 0xff))), u64::MAX / 8192)?;
        fs::rename(made, self.folder(&pod.uid))?;
        self.process(pid, &format!("/kubepods.slice/kubepods-besteffort.slice/{}", slice(&pod.uid)), number)?;
        let late = if step.is_multiple_of(2) { LATE } else { 0 };
        for container in &pod.containers {
            self.coming.push_back(self.due(step + late, &pod, container));
        }
        self.pods.push_back(pod);
        Ok(())
    }

    /// The main container of a pod in its middle years ends, and its next instance begins.
    fn restart(&mut self) -> anyhow::Result<()> {
        let middle = self.pods.len() / 2;
        let Some(mut pod) = self.pods.remove(middle) else { return Ok(()) };
        let Some(old) = pod.containers.first() else { return Ok(()) };
        let new = Container {
            name: old.name,
            id: format!("{:064x}", (self.step << 8) | 0x80),
            restarts: old.restarts + 1,
        };
        let folder = self.folder(&pod.uid);
        self.discard(&folder.join(scope(&old.id)))?;
        self.cross_out(&pod, Some(old));
        self.going.push_back(self.due(self.step + LINGERS, &pod, old));
        let made = self.host.join("made/container");
        let number = self.write_down(&pod, Some(&new));
        group(&made, number)?;
        fs::rename(made, folder.join(scope(&new.id)))?;
        put_link(&self.link(&pod.name, &new), &target(&pod, &new))?;
        pod.containers[0] = new;
        self.pods.insert(middle, pod);
        Ok(())
    }

    /// The pod that has been there longest goes.
    pub(super) fn remove_oldest(&mut self) -> anyhow::Result<()> {
        let Some(pod) = self.pods.pop_front() else { return Ok(()) };
        self.discard(&self.host.join(format!("proc/{}", pod.pid)))?;
        self.discard(&self.folder(&pod.uid))?;
        self.free.push(pod.pid);
        self.cross_out(&pod, None);
        for container in &pod.containers {
            self.cross_out(&pod, Some(container));
            let due = self.due(self.step + LINGERS, &pod, container);
            self.coming.retain(|coming| coming.link != due.link);
            self.going.push_back(due);
        }
        self.left =
            Left { name: pod.name, ids: pod.containers.into_iter().map(|container| container.id).collect() };
        Ok(())
    }

    /// Removes what is left of links.
    pub(super) fn clear_links(&mut self) -> anyhow::Result<()> {
        self.step += LINGERS;
        self.follow_links()
    }

    /// Makes and removes the links that are due. One that stands for another pod by now stays.
    fn follow_links(&mut self) -> anyhow::Result<()> {
        let step = self.step;
        while let Some(due) = self.going.pop_front_if(|due| due.step <= step) {
            let stands = fs::read_link(&due.link).is_ok_and(|target| target == Path::new(&due.target));
            if stands {
                fs::remove_file(&due.link)?;
            }
        }
        let (now, later): (VecDeque<_>, _) =
            std::mem::take(&mut self.coming).into_iter().partition(|due| due.step <= step);
        self.coming = later;
        for due in now {
            put_link(&due.link, &due.target)?;
            let mut book = self.book();
            let pod = book.pods.get(&due.uid).cloned();
            if let Some(life) = pod.and_then(|pod| book.lives.get_mut(&pod)) {
                life.named.get_or_insert_with(now_ns);
            }
        }
        Ok(())
    }

    fn due(&self, step: u64, pod: &Pod, container: &Container) -> Due {
        let link = self.link(&pod.name, container);
        Due { step, link, target: target(pod, container), uid: pod.uid.clone() }
    }

    /// Enters a pod or container that begins to be; answers its number.
    fn write_down(&mut self, pod: &Pod, container: Option<&Container>) -> u64 {
        self.number += 1;
        let identity = identity(pod, container);
        let life = Life { number: self.number, from: now_ns(), to: None, named: None };
        let mut book = self.book();
        if container.is_none() {
            book.pods.insert(pod.uid.clone(), identity.clone());
        }
        book.lives.insert(identity, life);
        self.number
    }

    fn cross_out(&self, pod: &Pod, container: Option<&Container>) {
        if let Some(life) = self.book().lives.get_mut(&identity(pod, container)) {
            life.to = Some(now_ns());
        }
    }

    /// Takes a folder away at once, and what is in it after that.
    fn discard(&self, folder: &Path) -> std::io::Result<()> {
        let gone = self.host.join("made/gone");
        fs::rename(folder, &gone)?;
        fs::remove_dir_all(gone)
    }

    fn folder(&self, uid: &str) -> PathBuf {
        self.pods_folder.join(slice(uid))
    }

    fn link(&self, pod: &str, container: &Container) -> PathBuf {
        let name = format!("{pod}_{NAMESPACE}_{}-{}.log", container.name, container.id);
        self.host.join("var/log/containers").join(name)
    }

    /// A process in this cgroup, on whose interface that many thousand bytes came in.
    fn process(&mut self, pid: u64, cgroup: &str, number: u64) -> std::io::Result<()> {
        let made = self.host.join("made/process");
        fs::create_dir_all(made.join("net"))?;
        let received = number * 1000;
        let interfaces = format!("Inter-| |\n face | |\n  eth0: {received} 2 0 0 0 0 0 0 9 10 0 0 0 0 0 0\n");
        fs::write(made.join("net/dev"), interfaces)?;
        fs::write(made.join("cgroup"), format!("0::{cgroup}\n"))?;
        let began = self.step + 1;
        fs::write(
            made.join("stat"),
            format!("{pid} (a) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {began} 0 0\n"),
        )?;
        fs::rename(made, self.host.join(format!("proc/{pid}")))
    }
}

fn now_ns() -> crate::parity::stream::Time {
    nanos(std::time::SystemTime::now())
}

fn identity(pod: &Pod, container: Option<&Container>) -> Identity {
    Identity {
        uid: pod.uid.clone(),
        pod: format!("{NAMESPACE}/{}", pod.name),
        container: container.map(|container| (container.name.to_owned(), container.id.clone())),
    }
}

fn slice(uid: &str) -> String {
    format!("kubepods-besteffort-pod{}.slice", uid.replace('-', "_"))
}

fn scope(id: &str) -> String {
    format!("cri-containerd-{id}.scope")
}

fn target(pod: &Pod, container: &Container) -> String {
    format!(
        "/var/log/pods/{NAMESPACE}_{}_{}/{}/{}.log",
        pod.name, pod.uid, container.name, container.restarts
    )
}

fn put_link(link: &Path, target: &str) -> anyhow::Result<()> {
    let made = link.with_file_name(".made");
    symlink(target, &made)?;
    Ok(fs::rename(made, link)?)
}

/// A cgroup that uses that many pages.
fn group(folder: &Path, number: u64) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("cpu.stat"), "usage_usec 1000\nuser_usec 600\nsystem_usec 400\n")?;
    fs::write(folder.join("memory.current"), format!("{}\n", number * 4096))?;
    fs::write(
        folder.join("memory.stat"),
        "anon 524288\nfile 0\ninactive_file 0\npgfault 10\npgmajfault 0\n",
    )?;
    fs::write(folder.join("memory.max"), "max\n")
}
