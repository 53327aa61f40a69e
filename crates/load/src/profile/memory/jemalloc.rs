//! jemalloc's own profile, of a server that was started with it: with `MALLOC_CONF=prof:true,lg_prof_interval:24` it writes a
//! dump for each 16 MiB that it allocates, and jeprof says what the last of them holds that the first did not.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Followed;
use super::site::Record;
use crate::profile::server::last_line;
use crate::result::JEMALLOC as NAME;

/// What reads the dumps.
const READER: &str = "jeprof";
/// Where jemalloc is told what to do; that of Rust's `tikv-jemallocator` has a name of its own.
const VARIABLES: [&str; 2] = ["MALLOC_CONF", "_RJEM_MALLOC_CONF"];
/// How often it is looked for a new dump.
const PAUSE: Duration = Duration::from_millis(50);
/// How long reading two dumps may take.
const STEP: Duration = Duration::from_secs(60);

/// A process that profiles its own memory.
#[derive(Debug, Clone)]
pub(in crate::profile) struct Jemalloc {
    program: PathBuf,
    directory: PathBuf,
    /// What the names of its dumps begin with.
    beginning: String,
}

/// A dump, and when it was noticed.
#[derive(Debug, Clone)]
struct Dump {
    number: u64,
    path: PathBuf,
    at: Instant,
}

impl Jemalloc {
    /// `None` where the process does not do so, or nothing here could read it.
    pub(super) async fn of(pid: u32) -> Option<Self> {
        let options = VARIABLES.iter().find_map(|name| music21_mcp_proc::variable(pid, name))?;
        let options: HashMap<&str, &str> =
            options.split(',').filter_map(|option| option.split_once(':')).collect();
        if options.get("prof") != Some(&"true") {
            return None;
        }
        let found = Command::new(READER).arg("--version").stdin(Stdio::null()).output().await;
        found.ok().filter(|output| output.status.success())?;
        let prefix = Path::new(options.get("prof_prefix").copied().unwrap_or("jeprof"));
        Some(Self {
            program: music21_mcp_proc::executable(pid)?,
            directory: prefix.parent().unwrap_or(Path::new("")).to_owned(),
            beginning: format!("{}.{pid}.", prefix.file_name()?.to_string_lossy()),
        })
    }

    /// What is held more at the last dump before `stop` than at the first from now on.
    ///
    /// # Errors
    ///
    /// A line that says why that is unknown, and what to do.
    pub(super) async fn follow(&self, stop: &CancellationToken) -> Result<Followed, String> {
        let before = self.newest().map(|dump| dump.number);
        let (mut first, mut last): (Option<Dump>, Option<Dump>) = (None, None);
        while !stop.is_cancelled() {
            let seen = last.as_ref().map(|dump| dump.number).or(before);
            if let Some(dump) = self.newest().filter(|dump| Some(dump.number) > seen) {
                first.get_or_insert_with(|| dump.clone());
                last = Some(dump);
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
        match (first, last) {
            (Some(first), Some(last)) if first.number != last.number => {
                let records = self.held_more(&first.path, &last.path).await?;
                Ok(Followed { from: first.at, until: last.at, records })
            }
            _ => Err(format!(
                "{NAME} wrote fewer than two dumps meanwhile; run it longer, or start the server with lg_prof_interval:24 in \
                 MALLOC_CONF, which has it write one for each 16 MiB allocated"
            )),
        }
    }

    fn newest(&self) -> Option<Dump> {
        // Without a directory in its name a dump is where the server was started, which is here.
        let here: &Path =
            if self.directory.as_os_str().is_empty() { Path::new(".") } else { &self.directory };
        let dump = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            let number = name.strip_prefix(&self.beginning)?.strip_suffix(".heap")?.split('.').next()?;
            Some(Dump { number: number.parse().ok()?, path: entry.path(), at: Instant::now() })
        };
        fs::read_dir(here).ok()?.flatten().filter_map(dump).max_by_key(|dump| dump.number)
    }

    async fn held_more(&self, first: &Path, last: &Path) -> Result<Vec<Record>, String> {
        let mut base = std::ffi::OsString::from("--base=");
        base.push(first);
        let mut reader = Command::new(READER);
        reader.arg("--collapsed").arg(base).arg(&self.program).arg(last);
        let read = timeout(STEP, reader.stdin(Stdio::null()).kill_on_drop(true).output()).await;
        let read = read.map_err(|_| format!("{READER} took more than {} s", STEP.as_secs()))?;
        let read = read.map_err(|error| format!("{READER}: {error}"))?;
        if !read.status.success() {
            let said = String::from_utf8_lossy(&read.stderr);
            return Err(format!("{READER} gave up: {}", last_line(&said)));
        }
        let records = |line: &str| Record::of_native(&without_addresses(line)?);
        Ok(String::from_utf8_lossy(&read.stdout).lines().filter_map(records).collect())
    }
}

/// `main;work<00000000005f00a0>[inline];alloc[inline] 512` without what tells one place in a function from another.
fn without_addresses(folded: &str) -> Option<String> {
    let (stack, bytes) = folded.rsplit_once(' ')?;
    let name = |frame: &str| {
        let frame = frame.strip_suffix("[inline]").unwrap_or(frame);
        let address = frame.strip_suffix('>').and_then(|frame| frame.rsplit_once('<'));
        let is_address = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        address.filter(|(_, text)| is_address(text)).map_or(frame, |(frame, _)| frame).to_owned()
    };
    let names: Vec<String> = stack.split(';').map(name).collect();
    Some(format!("{} {bytes}", names.join(";")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(directory: &Path) -> Jemalloc {
        Jemalloc { program: "none".into(), directory: directory.to_owned(), beginning: "je.7.".to_owned() }
    }

    #[test]
    fn a_process_has_dumps_of_its_own_in_the_order_of_their_numbers() {
        let directory = tempfile::tempdir().unwrap();
        for name in
            ["je.7.2.i2.heap", "je.7.10.i10.heap", "je.71.11.i11.heap", "je.7.12.i12", "x.7.13.i13.heap"]
        {
            fs::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(process(directory.path()).newest().unwrap().number, 10);
    }

    #[tokio::test]
    async fn without_two_dumps_it_says_how_to_have_them() {
        let directory = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        stop.cancel();
        let why = process(directory.path()).follow(&stop).await.err().unwrap();
        assert!(why.contains("lg_prof_interval:24"), "{why}");
    }

    #[test]
    fn places_in_a_function_are_one_function() {
        let folded = "main<00000000005f00a0>;Vec<u8>::push[inline];a<b>::keep<00000000011d50d0>[inline] 512";
        assert_eq!(without_addresses(folded).unwrap(), "main;Vec<u8>::push;a<b>::keep 512");
    }
}
