//! What `run --profile` does around each stage: flamegraphs of this process, of the server, of each tool and of the
//! slowest calls.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use music21_mcp_bench::profile::OwnProfile;
use music21_mcp_bench::profile::flame;

use super::calls::{self, CallSpan, Seen, Slice, Window};
use super::server::{LONGEST, ServerProfile};
use crate::lock::lock;
use crate::result::StageProfile;

/// The ending of folded stacks, as other programs name them, too.
pub(crate) const FOLDED: &str = "folded";

/// Profiles every stage of a run.
#[derive(Debug)]
pub(crate) struct Profiling {
    directory: PathBuf,
    lines: Mutex<Vec<String>>,
}

/// The profiles of one stage, begun.
pub(crate) struct UnderWay<'a> {
    profiling: &'a Profiling,
    name: String,
    own: Option<OwnProfile>,
    server: Option<ServerProfile>,
}

impl Profiling {
    /// Writes into this directory, which it creates.
    ///
    /// # Errors
    ///
    /// If it cannot be created.
    pub(crate) fn into(directory: PathBuf) -> std::io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let about =
            format!("flamegraphs in '{}'; the figures include what sampling costs", directory.display());
        Ok(Self { directory, lines: Mutex::new(vec![about]) })
    }

    /// Begins to sample this process and one of the server's.
    pub(crate) async fn start(&self, name: String, server: &[u32]) -> UnderWay<'_> {
        let own =
            OwnProfile::start().map_err(|error| self.say(format!("{name}: not profiled: {error:#}"))).ok();
        let begun = if server.is_empty() { None } else { Some(ServerProfile::start(server).await) };
        let server = begun.and_then(|begun| begun.map_err(|why| self.say(not_profiled(&name, &why))).ok());
        if let Some(why) = server.as_ref().and_then(ServerProfile::fallback) {
            self.say(format!("{name}: {why}"));
        }
        UnderWay { profiling: self, name, own, server }
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

    /// Ends all profiles and draws them; tells what was kept of the server's. `started` began the clock of `calls`.
    pub(crate) async fn finish(self, started: Instant, calls: &[CallSpan]) -> Option<StageProfile> {
        let Self { profiling, name, own, server } = self;
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
        let Some(samples) = samples else { return kept };
        let title = format!("{name} · own process");
        let svg = profiling.path(&title);
        let written = samples.and_then(|samples| samples.write(&title, &svg, &svg.with_extension("pb")));
        if let Err(error) = written {
            profiling.say(format!("{title}: not profiled: {error:#}"));
        }
        kept
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

    fn draw(&self, title: &str, subtitle: &str, slices: &[Slice], windows: &[Window]) {
        let path = self.path(title);
        let drawn = flame::draw(&calls::fold(slices, windows), title, subtitle, "µs");
        let written = drawn.and_then(|svg| svg.map(|svg| fs::write(&path, svg)).transpose());
        match written {
            // None is drawn of a tool that only ever ran beside others, or for a moment.
            Ok(_) => {}
            Err(error) => self.say(format!("{title}: failed to write '{}': {error}", path.display())),
        }
    }
}

fn not_profiled(name: &str, why: &str) -> String {
    format!("{name}: server not profiled: {why}")
}
