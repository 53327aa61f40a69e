//! What `run --profile` does around each stage: flamegraphs of this process, of the server, of each tool and of the
//! slowest calls.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use music21_mcp_bench::profile::OwnProfile;
use music21_mcp_bench::profile::flame;
use tokio::sync::OnceCell;

use super::calls::{self, CallSpan, Seen, Slice, Window};
use super::memory::{Kept, MemoryProfile, Ready, Refused};
use super::server::{LONGEST, ServerProfile};
use crate::lock::lock;
use crate::result::{KeptMemory, StageProfile};

/// The ending of folded stacks, as other programs name them, too.
pub(crate) const FOLDED: &str = "folded";

/// What is to be profiled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    /// Where the time goes.
    pub cpu: bool,
    /// Which lines of the server keep memory.
    pub memory: bool,
}

/// Profiles every stage of a run.
#[derive(Debug)]
pub(crate) struct Profiling {
    kinds: Kinds,
    directory: PathBuf,
    memory: OnceCell<Option<Ready>>,
    lines: Mutex<Vec<String>>,
}

/// The profiles of one stage, begun.
pub(crate) struct UnderWay<'a> {
    profiling: &'a Profiling,
    name: String,
    own: Option<OwnProfile>,
    server: Option<ServerProfile>,
    memory: Option<MemoryProfile>,
}

/// What came of following the server's memory.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    /// The server was held up by it.
    pub disturbed: bool,
    /// What its lines kept.
    pub kept: Option<KeptMemory>,
}

impl Profiling {
    /// Writes into this directory, which it creates.
    ///
    /// # Errors
    ///
    /// If it cannot be created.
    pub(crate) fn into(directory: PathBuf, kinds: Kinds) -> std::io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let about =
            format!("flamegraphs in '{}'; the figures include what profiling costs", directory.display());
        Ok(Self { kinds, directory, memory: OnceCell::new(), lines: Mutex::new(vec![about]) })
    }

    /// Finds what can follow the server's memory, before the first stage: it is tried out, which takes seconds.
    pub(crate) async fn prepare(&self, server: &[u32]) {
        if self.kinds.memory {
            let found = async { Ready::find(server).await.map_err(|why| self.say(not_followed(&why))).ok() };
            let ready = self.memory.get_or_init(|| found).await;
            if let Some(instead) = ready.as_ref().and_then(Ready::instead) {
                self.say(instead);
            }
        }
    }

    /// Begins to sample this process and one of the server's, and to follow the server's memory once `warmed_up`.
    pub(crate) async fn start(
        &self,
        name: String,
        server: &[u32],
        warmed_up: impl Future<Output = ()> + Send + 'static,
    ) -> UnderWay<'_> {
        let cpu = self.kinds.cpu;
        let own = cpu.then(|| {
            OwnProfile::start().map_err(|error| self.say(format!("{name}: not profiled: {error:#}"))).ok()
        });
        let begun = if cpu && !server.is_empty() { Some(ServerProfile::start(server).await) } else { None };
        let sampled = begun.and_then(|begun| begun.map_err(|why| self.say(not_profiled(&name, &why))).ok());
        if let Some(why) = sampled.as_ref().and_then(ServerProfile::fallback) {
            self.say(format!("{name}: {why}"));
        }
        let begun =
            self.memory.get().cloned().flatten().map(|ready| MemoryProfile::start(server, ready, warmed_up));
        let memory = begun.and_then(|begun| begun.map_err(|why| self.say(not_followed(&why))).ok());
        UnderWay { profiling: self, name, own: own.flatten(), server: sampled, memory }
    }

    /// What a reader must know, since it was last asked.
    pub(crate) fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.lines))
    }

    fn say(&self, line: String) {
        let mut lines = lock(&self.lines);
        // What is refused for one stage is refused for all.
        if !lines.contains(&line) {
            lines.push(line);
        }
    }

    fn path(&self, title: &str) -> PathBuf {
        let plain = |c: char| if c.is_alphanumeric() || c == '_' { c } else { '-' };
        let name: String = title.replace(" · ", "-").chars().map(plain).collect();
        self.directory.join(format!("{name}.svg"))
    }
}

impl UnderWay<'_> {
    /// The process that samples the server; it may have ended by itself.
    pub(crate) fn sampler(&self) -> Option<u32> {
        self.server.as_ref().and_then(ServerProfile::pid)
    }

    /// Ends all profiles and draws them; tells what was kept of the server's, and what came of following its memory.
    /// `started` began the clock of `calls`.
    pub(crate) async fn finish(
        self,
        started: Instant,
        calls: &[CallSpan],
    ) -> (Option<StageProfile>, Followed) {
        let Self { profiling, name, own, server, memory } = self;
        let mut kept = None;
        let samples = own.map(|own| own.finish());
        if let Some(server) = server {
            let program = server.program();
            match server.finish(started).await {
                Ok(seen) => {
                    profiling.draw_server(&name, program, &seen.slices, calls);
                    kept = profiling.keep(&name, program, &seen, calls);
                }
                Err(why) => profiling.say(not_profiled(&name, &why)),
            }
        }
        if let Some(samples) = samples {
            let title = format!("{name} · own process");
            let svg = profiling.path(&title);
            let written = samples.and_then(|samples| samples.write(&title, &svg, &svg.with_extension("pb")));
            if let Err(error) = written {
                profiling.say(format!("{title}: not profiled: {error:#}"));
            }
        }
        let Some(memory) = memory else { return (kept, Followed::default()) };
        let followed = match memory.finish(started, calls).await {
            Ok(kept) => {
                profiling.draw_kept(&name, &kept);
                Followed { disturbed: true, kept: Some(kept.memory) }
            }
            Err(Refused { why, touched }) => {
                let why = if touched { format!("{name}: {why}") } else { why };
                profiling.say(not_followed(&why));
                Followed { disturbed: touched, kept: None }
            }
        };
        (kept, followed)
    }
}

impl Profiling {
    /// Writes the stacks within calls, with which a later run is compared.
    fn keep(&self, name: &str, program: &str, seen: &Seen, calls: &[CallSpan]) -> Option<StageProfile> {
        let sampled = calls::sampled(seen, calls);
        let path = self.path(&format!("{name} · server")).with_extension(FOLDED);
        if let Err(error) = fs::write(&path, sampled.folded.join("\n")) {
            self.say(format!("{name}: failed to write '{}': {error}", path.display()));
            return None;
        }
        Some(StageProfile {
            sampler: program.to_owned(),
            calls: sampled.calls,
            period_ns: seen.period_ns,
            folded: path.file_name()?.to_string_lossy().into_owned(),
        })
    }

    fn draw_server(&self, name: &str, program: &str, slices: &[Slice], calls: &[CallSpan]) {
        let limit = LONGEST.as_secs();
        let all = format!("{program}, all calls, the first {limit} s of the stage at most");
        self.draw(&format!("{name} · server"), &all, slices, &[(0, u64::MAX)]);
        for (tool, windows) in calls::alone(calls) {
            let what =
                format!("{program}, while one call of it and no other was under way for 40 ms or more");
            self.draw(&format!("{name} · server · {tool}"), &what, slices, &windows);
        }
        if let Some((windows, shortest_ns)) = calls::slowest(calls) {
            let ms = shortest_ns / 1_000_000;
            let what = format!(
                "{program}, while one of the slowest 5 % of the calls ({ms} ms or more) was under way"
            );
            self.draw(&format!("{name} · server · slowest calls"), &what, slices, &windows);
        }
    }

    fn draw_kept(&self, name: &str, kept: &Kept) {
        let what = format!(
            "bytes that were allocated while {} calls ended, and not freed by the end",
            kept.memory.calls
        );
        self.write(&format!("{name} · server · memory kept"), &what, &kept.folded, "bytes");
    }

    fn draw(&self, title: &str, subtitle: &str, slices: &[Slice], windows: &[Window]) {
        self.write(title, subtitle, &calls::fold(slices, windows), "µs");
    }

    fn write(&self, title: &str, subtitle: &str, folded: &[String], unit: &str) {
        let path = self.path(title);
        let drawn = flame::draw(folded, title, subtitle, unit);
        let written = drawn.and_then(|svg| svg.map(|svg| fs::write(&path, svg)).transpose());
        match written {
            // None is drawn of a tool that only ever ran beside others, or for a moment.
            Ok(_) => {}
            Err(error) => self.say(format!("{title}: failed to write '{}': {error}", path.display())),
        }
    }
}

fn not_followed(why: &str) -> String {
    format!("the server's memory was not followed: {why}")
}

fn not_profiled(name: &str, why: &str) -> String {
    format!("{name}: server not profiled: {why}")
}
