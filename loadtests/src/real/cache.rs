//! The cache of built programs: one folder per recipe and version of the recipe.
//!
//! It lives outside the repository or where git ignores it. Invariant: a folder with an entry's final name is
//! complete. An entry is built in a temporary folder that names its run and is then renamed; what an
//! interrupted build left is removed by the janitor or by the next run.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};

use super::recipes::Recipe;

/// The repository, to which every other path is relative.
pub(super) fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// `target/real`: scratch folders and reports.
pub(super) fn output() -> PathBuf {
    repository().join("target/real")
}

/// The scratch folder of a run; whatever is still in it when the run is over is removed.
pub(super) fn scratch(run: &str) -> PathBuf {
    output().join("scratch").join(run)
}

/// The cache folder: `TARE_REAL_CACHE`, by default `~/.cache/tare-real`.
///
/// # Errors
/// Where neither is known, or the folder lies in the repository and git would see it.
pub(super) fn folder() -> anyhow::Result<PathBuf> {
    let folder = match (std::env::var_os("TARE_REAL_CACHE"), std::env::var_os("HOME")) {
        (Some(folder), _) if !folder.is_empty() => PathBuf::from(folder),
        (_, Some(home)) => PathBuf::from(home).join(".cache/tare-real"),
        _ => bail!("set TARE_REAL_CACHE to the folder that keeps the built programs"),
    };
    let folder = std::path::absolute(folder)?;
    if folder.starts_with(repository()) && !ignored(&folder) {
        bail!("TARE_REAL_CACHE {} lies in the repository and git does not ignore it", folder.display());
    }
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder)
}

fn ignored(folder: &Path) -> bool {
    if folder.starts_with(repository().join("target")) {
        return true;
    }
    let git =
        Command::new("git").arg("check-ignore").arg("-q").arg(folder).current_dir(repository()).status();
    git.is_ok_and(|status| status.success())
}

/// The program of `recipe`, built now where the cache lacks it. `run` names the temporary folder.
///
/// # Errors
/// When the tool is missing or a step fails; the message holds the end of the step's output.
pub(super) fn program(cache: &Path, recipe: &Recipe, run: &str) -> anyhow::Result<PathBuf> {
    let entry = cache.join(format!("{}-{:016x}", recipe.name, key(recipe)));
    let program = entry.join(recipe.output);
    // One build at a time; the lock ends with this process, however it ends.
    let lock = File::create(cache.join(format!("{}.lock", recipe.name)))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    if program.exists() {
        return Ok(program);
    }
    let temporary = cache.join(temporary_name(run, recipe.name));
    let source = temporary.join("src");
    fs::create_dir_all(&source)?;
    for (path, text) in recipe.files {
        fs::write(source.join(path), text)?;
    }
    for step in recipe.steps {
        execute(recipe, step, &source).with_context(|| format!("building {}", recipe.name))?;
    }
    let done = temporary.join("done");
    fs::create_dir(&done)?;
    let built = source.join(recipe.built);
    fs::rename(&built, done.join(recipe.output)).with_context(|| format!("no {}", built.display()))?;
    fs::rename(&done, &entry).with_context(|| format!("moving to {}", entry.display()))?;
    fs::remove_dir_all(&temporary)?;
    Ok(program)
}

/// The name of a temporary folder; its start names the run that made it.
pub(super) fn temporary_name(run: &str, what: &str) -> String {
    format!(".tmp-{run}-{what}")
}

fn execute(recipe: &Recipe, step: &[&str], folder: &Path) -> anyhow::Result<()> {
    let Some((program, arguments)) = step.split_first() else { bail!("an empty step") };
    let output = Command::new(program)
        .args(arguments)
        .envs(recipe.env.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .with_context(|| {
            format!("{} is needed to build {} and could not be run", recipe.tool, recipe.name)
        })?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        bail!("{step:?}: {}\n{}", output.status, tail(&String::from_utf8_lossy(&text), 30));
    }
    Ok(())
}

/// The last `lines` lines of `text`.
pub(super) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// FNV-1a over everything the recipe says: stable across compilers, unlike the standard library's hasher.
fn key(recipe: &Recipe) -> u64 {
    format!("{recipe:?}").bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Writes a file so that it is there whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let temporary = path.with_extension("tmp");
    File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, path))
        .with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: Recipe = Recipe {
        name: "thing",
        tool: "sh",
        files: &[("text", "one")],
        env: &[("WORD", "two")],
        steps: &[&["sh", "-c", "echo \"$(cat text) $WORD\" > made && echo x >> ../../count"]],
        built: "made",
        output: "thing",
    };

    fn count(cache: &Path) -> usize {
        fs::read_to_string(cache.join("count")).unwrap_or_default().lines().count()
    }

    #[test]
    fn a_recipe_is_built_once_and_a_changed_recipe_again() {
        let cache = tempfile::tempdir().unwrap();
        let first = program(cache.path(), &RECIPE, "1").unwrap();
        assert_eq!(fs::read_to_string(&first).unwrap(), "one two\n");
        assert_eq!(program(cache.path(), &RECIPE, "2").unwrap(), first);
        assert_eq!(count(cache.path()), 1);
        let changed = Recipe { env: &[("WORD", "three")], ..RECIPE };
        let second = program(cache.path(), &changed, "3").unwrap();
        assert_eq!(fs::read_to_string(second).unwrap(), "one three\n");
        assert_eq!(count(cache.path()), 2);
    }

    #[test]
    fn a_failed_build_leaves_no_entry_and_says_what_the_step_printed() {
        let cache = tempfile::tempdir().unwrap();
        let broken = Recipe { steps: &[&["sh", "-c", "touch made; echo the reason; false"]], ..RECIPE };
        let error = program(cache.path(), &broken, "1").unwrap_err();
        assert!(format!("{error:#}").contains("the reason"), "{error:#}");
        let names: Vec<_> =
            fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| !name.to_string_lossy().starts_with("thing-")), "{names:?}");
    }

    #[test]
    fn a_missing_tool_is_named() {
        let cache = tempfile::tempdir().unwrap();
        let without = Recipe { tool: "frobnicator", steps: &[&["frobnicator-that-is-not-there"]], ..RECIPE };
        let error = program(cache.path(), &without, "1").unwrap_err();
        assert!(format!("{error:#}").contains("frobnicator is needed to build thing"), "{error:#}");
    }

    #[test]
    fn only_the_last_lines_of_a_log_are_shown() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 2), "a");
    }
}
