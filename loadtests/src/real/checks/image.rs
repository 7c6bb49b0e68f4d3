//! `image`: the OCI image is small, reproducible, and needs nothing but itself.
//!
//! In the ci tier the layout is made twice of one binary. In the full tier the binary as it is shipped is built twice,
//! in clones at two places with two target folders, and both images have to have one digest.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::Signal;
use serde_json::Value;

use crate::real::cache;
use crate::real::env::Env;
use crate::real::program::float;
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Tier};

use super::facts::{self, Fact};

/// The bound of the project, bytes, compressed.
const BOUND: u64 = 15 << 20;
/// Whom the image runs as.
const USER: &str = "65532:65532";

pub(in crate::real) const CHECK: Check = Check {
    name: "image",
    tier: Tier::Ci,
    about: "the image of a binary has one digest, is below 15 MiB, and runs from an empty root without rights",
    needs: &[recipes::TARE_STATIC],
    limit: Duration::from_mins(2),
    lane: Lane::Servers,
    hidden: false,
    run: |env| {
        let binary = env.program("tare-static")?.to_path_buf();
        let images = [image(env, "first", &binary)?, image(env, "second", &binary)?];
        Ok(facts::outcome("image", &judge(env, &images)?))
    },
};

pub(in crate::real) const FULL_CHECK: Check = Check {
    name: "image-full",
    tier: Tier::Full,
    about: "the same of the binary as it is shipped, built twice at different places",
    needs: &[],
    limit: Duration::from_hours(1),
    lane: Lane::Computing,
    run: |env| {
        let first = build(env, "one")?;
        let second = build(env, "another/place")?;
        let same = fs::read(&first)? == fs::read(&second)?;
        let images = [image(env, "first", &first)?, image(env, "second", &second)?];
        let mut facts = judge(env, &images)?;
        facts.push(Fact::equal("two builds at two places give the same bytes", &true, &same));
        Ok(facts::outcome("image-full", &facts))
    },
    ..CHECK
};

/// An image that was made, and where.
pub(super) struct Image {
    pub(super) digest: String,
    layout: PathBuf,
}

impl Image {
    /// All of it as one file, which containerd imports.
    pub(super) fn archive(&self) -> PathBuf {
        self.layout.with_extension("tar")
    }

    /// A blob that another one names.
    fn blob(&self, descriptor: &Value) -> anyhow::Result<PathBuf> {
        let digest = descriptor["digest"].as_str().and_then(|digest| digest.strip_prefix("sha256:"));
        Ok(self.layout.join("blobs/sha256").join(digest.context("no digest")?))
    }

    fn json(&self, descriptor: &Value) -> anyhow::Result<Value> {
        Ok(serde_json::from_reader(File::open(self.blob(descriptor)?)?)?)
    }

    fn manifest(&self) -> anyhow::Result<Value> {
        let index: Value = serde_json::from_reader(File::open(self.layout.join("index.json"))?)?;
        self.json(&index["manifests"][0])
    }

    /// All blobs together, bytes.
    fn size(&self) -> anyhow::Result<u64> {
        let blobs = fs::read_dir(self.layout.join("blobs/sha256"))?;
        blobs.map(|blob| Ok(blob?.metadata()?.len())).sum()
    }
}

/// A release build of a copy of this clone's files at `place` in the scratch folder.
fn build(env: &Env, place: &str) -> anyhow::Result<PathBuf> {
    let clone = env.path(place);
    fs::create_dir_all(&clone)?;
    let copy = "git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --no-dereference -t \"$0\"";
    let copied =
        Command::new("sh").args(["-euc", copy]).arg(&clone).current_dir(cache::repository()).status()?;
    anyhow::ensure!(copied.success(), "copying the sources: {copied}");
    let output = Command::new(clone.join("deploy/image/build")).env("CARGO_NET_OFFLINE", "true").output()?;
    if !output.status.success() {
        bail!("the build: {}", cache::tail(&String::from_utf8_lossy(&output.stderr), 30));
    }
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// Makes an image without an engine.
pub(super) fn image(env: &Env, name: &str, binary: &Path) -> anyhow::Result<Image> {
    let layout = env.path(name);
    let output = Command::new(cache::repository().join("deploy/image/oci.py"))
        .arg("--binary")
        .arg(binary)
        .arg("--layout")
        .arg(&layout)
        .arg("--archive")
        .arg(layout.with_extension("tar"))
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .context("python3 is needed")?;
    if !output.status.success() {
        bail!("oci.py: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(Image { digest: String::from_utf8(output.stdout)?.trim().to_owned(), layout })
}

fn judge(env: &Env, [first, second]: &[Image; 2]) -> anyhow::Result<Vec<Fact>> {
    let manifest = first.manifest()?;
    let config = &first.json(&manifest["config"])?["config"];
    let archives = [first, second].map(|image| fs::read(image.archive()));
    let [one, other] = archives;
    let size = first.size()?;
    let mut facts = vec![
        Fact::equal("digests of two images", &first.digest, &second.digest),
        Fact::equal("archives of two images are the same bytes", &true, &(one? == other?)),
        Fact::new(
            "size of all blobs",
            "less than 15 MiB",
            format!("{:.2} MiB", float(size) / 1_048_576.0),
            size < BOUND,
        ),
        Fact::equal("user", &USER, &config["User"].as_str().unwrap_or_default()),
        Fact::equal("entry point", &r#"["/tare"]"#, &config["Entrypoint"].to_string().as_str()),
        Fact::equal("command", &r#"["run","--supervised"]"#, &config["Cmd"].to_string().as_str()),
    ];
    let root = env.path("root");
    fs::create_dir_all(&root)?;
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755))?;
    let layer = first.blob(&manifest["layers"][0])?;
    env.execute("tar", ["-xzpf", &layer.to_string_lossy(), "-C", &root.to_string_lossy()])?;
    facts.extend(runs(env, &root)?);
    Ok(facts)
}

/// A command in the image's own root, as its user, without any environment.
fn inside(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("chroot");
    command.arg(format!("--userspec={USER}")).arg(root).arg("/tare").args(arguments).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
    command
}

fn succeeded(output: &Output, expected: &str) -> bool {
    output.status.success() && String::from_utf8_lossy(&output.stdout).contains(expected)
}

/// What the binary does where there is nothing but the image.
fn runs(env: &Env, root: &Path) -> anyhow::Result<Vec<Fact>> {
    let version = inside(root, &["--version"]).output()?;
    let mut facts = vec![Fact::new(
        "tare --version in the empty root",
        "exit code 0",
        String::from_utf8_lossy(&version.stdout).trim().to_owned(),
        succeeded(&version, "tare "),
    )];
    // A mount point is all that a container runtime adds.
    let proc = root.join("proc");
    fs::create_dir(&proc)?;
    env.execute("mount", ["-t", "proc", "proc", &proc.to_string_lossy()])?;
    let collected = inside(root, &["collect", "--count", "1"]).output()?;
    facts.push(Fact::new(
        "tare collect --count 1 with /proc",
        "exit code 0 and figures",
        format!("{}, {} bytes", collected.status, collected.stdout.len()),
        succeeded(&collected, "system.cpu.time"),
    ));
    facts.push(authorities(env, root)?);
    Ok(facts)
}

/// An https backend by name: the image's authorities are found, and the missing resolver is a failed look-up, no crash.
/// Without the bundle the same agent says so and ends.
fn authorities(env: &Env, root: &Path) -> anyhow::Result<Fact> {
    let agent = |name: &str| {
        let mut command = inside(root, &["run"]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://backend.invalid:4318");
        env.start(name, command)
    };
    let mut with = agent("with-authorities")?;
    let ready = || inside(root, &["health", "--live"]).output().is_ok_and(|output| output.status.success());
    let lived = super::cgroup_v2::loads::wait_until(Duration::from_secs(20), ready);
    with.signal(Signal::TERM)?;
    let ended = with.wait(Duration::from_secs(30))?;
    let bundle = root.join("etc/ssl/certs/ca-certificates.crt");
    let certificates = fs::read_to_string(&bundle)?.matches("BEGIN CERTIFICATE").count();
    fs::remove_file(&bundle)?;
    let mut without = agent("without-authorities")?;
    let refused = without.wait(Duration::from_secs(20))?;
    let said = without.log_tail().contains("no usable root certificates");
    Ok(Fact::new(
        "an https backend with the image's authorities, and without them",
        "lives until it is stopped; refuses to start",
        format!("{certificates} authorities; alive {lived}, {ended}; without: {refused}, said so: {said}"),
        lived && ended.success() && !refused.success() && said && certificates > 50,
    ))
}
