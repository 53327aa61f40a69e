//! The line that an owner can do something about, of a stack that ends in an allocation.
//!
//! A cache grows in a frame of the standard library or of a framework; what helps is the line that filled it. And the
//! frames below an event loop or a thread's beginning are the same whatever the server does.

use std::collections::HashMap;

use serde::Deserialize;

use crate::profile::perf::without_hash;
use crate::profile::py_spy::{NOISE, short};
use crate::result::KeptSite;

/// Sites that are told.
const MOST: usize = 5;
/// Packages that pass a request on to a server's own.
const FRAMEWORKS: [&str; 14] = [
    "anyio",
    "click",
    "fastapi",
    "fastmcp",
    "h11",
    "httptools",
    "hypercorn",
    "mcp",
    "opentelemetry",
    "pydantic",
    "sse_starlette",
    "starlette",
    "typer",
    "uvicorn",
];
/// Those among them that keep sessions and requests; the others only carry them.
const SDKS: [&str; 2] = ["fastmcp", "mcp"];
const PACKAGES: [&str; 2] = ["/site-packages/", "/dist-packages/"];
/// What memray and tracemalloc run in the server.
const HOOKS: [&str; 2] = ["_memray_attach_hook.py", "_tracemalloc_payload.py"];
/// How functions of a native server begin that only allocate for others, in Rust and in C++.
const ALLOCATING: [&str; 21] = [
    "alloc",
    "box_new",
    "calloc",
    "clone<",
    "do_reserve",
    "exchange_malloc",
    "extend",
    "finish_grow",
    "from_elem",
    "grow",
    "insert<",
    "malloc",
    "new<",
    "operator new",
    "push",
    "realloc",
    "reserve",
    "spec_extend",
    "to_",
    "try_allocate",
    "with_capacity",
];
/// Libraries of Rust's and C++'s own, with the length that a mangled name has before each.
const LIBRARIES: [&str; 4] = ["3std", "4core", "5alloc", "7___rustc"];

/// A function, its file and the line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct Frame(String, String, u64);

/// What one stack has allocated and not freed.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) bytes: u64,
    pub(super) allocations: Option<u64>,
    /// From the innermost.
    frames: Vec<Frame>,
}

impl Frame {
    fn line(&self) -> String {
        // Of a native function the line is not known.
        let line = if self.2 == 0 { String::new() } else { format!(":{}", self.2) };
        format!("{}{line}", short(&self.1))
    }

    /// Leads to the work: an event loop's, a thread's.
    fn is_launcher(&self) -> bool {
        let ends = |file: &&str| self.1.strip_suffix(*file).is_some_and(|rest| rest.ends_with('/'));
        self.1.starts_with("<frozen") || NOISE.iter().any(ends)
    }

    fn only_allocates(&self) -> bool {
        let path = self.0.trim_start_matches("_$LT$").trim_start_matches('<');
        let is_of = |library: &str| {
            let name = library.trim_start_matches(char::is_numeric);
            let is_mangled = self.0.starts_with("_R") && self.0.contains(library);
            let of_trait = ["$u20$as$u20$", " as "].iter().find_map(|word| self.0.split_once(word));
            let of_trait = of_trait.map_or("", |(_, of)| of);
            is_mangled
                || of_trait.starts_with(name)
                || path.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', '.']))
        };
        LIBRARIES.into_iter().any(is_of) || ALLOCATING.iter().any(|start| self.0.starts_with(start))
    }

    fn package(&self) -> Option<&str> {
        let (_, inside) = PACKAGES.iter().find_map(|mark| self.1.rsplit_once(mark))?;
        inside.split(['/', '.']).next()
    }

    /// Neither installed, nor Python's own, nor the script that an installed command is.
    fn is_own(&self) -> bool {
        let is_script = self.0 == "<module>" && self.1.contains("/bin/") && !self.1.ends_with(".py");
        let is_pythons = self.1.starts_with('<') || self.1.contains("/lib/python");
        !(is_script || is_pythons || self.package().is_some())
    }

    fn named(&self) -> String {
        format!("{} ({})", self.0, self.line()).replace(';', ",")
    }
}

impl Record {
    /// `main (main.rs);work (tool.rs);alloc (alloc.rs); 512`: bytes, from the root. Frames that only allocate are left out, and
    /// a stack that kept nothing is none.
    pub(super) fn of_native(folded: &str) -> Option<Self> {
        let (stack, bytes) = folded.rsplit_once(' ')?;
        let bytes = bytes.parse().ok().filter(|&bytes| bytes > 0)?;
        let frame = |text: &str| {
            let named = text.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
            let (function, file) = named.unwrap_or((text, ""));
            Frame(without_hash(function).to_owned(), file.to_owned(), 0)
        };
        let frames = stack.trim_end_matches(';').split(';').rev().map(str::trim).map(frame);
        let frames = frames.skip_while(Frame::only_allocates).collect();
        Some(Self { bytes, allocations: None, frames })
    }

    /// The profiler's own doing in the server.
    pub(super) fn is_of_the_profiler(&self) -> bool {
        self.frames.iter().any(|frame| HOOKS.iter().any(|hook| frame.1.ends_with(hook)))
    }

    /// The frames of the work, from the innermost; one of the loop's if it was the loop itself.
    fn work(&self) -> &[Frame] {
        let until = self.frames.iter().position(Frame::is_launcher).unwrap_or(self.frames.len());
        self.frames.get(..until.max(1)).unwrap_or_default()
    }

    /// The innermost line of the server's own code; of an installed server that of its package, which is the outermost
    /// that is no framework; else of the SDK's, and of any. Never mere Python, unless there is nothing else.
    fn site(&self) -> Option<&Frame> {
        let work = self.work();
        let is_framework = |package: &str| FRAMEWORKS.contains(&package);
        let home = work.iter().rev().filter_map(Frame::package).find(|package| !is_framework(package));
        let of_home = |frame: &&Frame| home.is_some() && frame.package() == home;
        work.iter()
            .find(|frame| frame.is_own())
            .or_else(|| work.iter().find(of_home))
            .or_else(|| {
                work.iter().find(|frame| frame.package().is_some_and(|package| SDKS.contains(&package)))
            })
            .or_else(|| work.iter().find(|frame| frame.package().is_some()))
            .or(work.first())
    }

    /// As folded stacks have it.
    fn folded(&self) -> String {
        let innermost = |at: usize| at == 0;
        let frames = self.frames.iter().enumerate();
        let kept = frames.filter(|(at, frame)| innermost(*at) || !frame.is_launcher());
        let mut names: Vec<String> = kept.map(|(_, frame)| frame.named()).collect();
        names.reverse();
        if names.is_empty() {
            names.push("outside of Python's code".to_owned());
        }
        format!("{} {}", names.join(";"), self.bytes)
    }
}

/// Stacks with bytes, as a flamegraph takes them.
pub(super) fn folded(records: &[Record]) -> Vec<String> {
    records.iter().map(Record::folded).collect()
}

/// The sites that kept most, over so many calls.
pub(super) fn most(records: &[Record], calls: f64) -> Vec<KeptSite> {
    let mut sites: HashMap<&Frame, (KeptSite, u64)> = HashMap::new();
    for record in records {
        let (Some(site), Some(innermost)) = (record.site(), record.frames.first()) else { continue };
        let none = KeptSite {
            line: site.line(),
            function: site.0.clone(),
            through: None,
            bytes: 0,
            bytes_per_call: 0.0,
            allocations: None,
        };
        let (sum, most) = sites.entry(site).or_insert((none, 0));
        sum.bytes += record.bytes;
        sum.allocations = sum.allocations.into_iter().chain(record.allocations).reduce(|a, b| a + b);
        if record.bytes > *most {
            *most = record.bytes;
            sum.through = (innermost != site).then(|| innermost.named());
        }
    }
    let mut sites: Vec<KeptSite> = sites.into_values().map(|(site, _)| site).collect();
    sites.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.line.cmp(&b.line)));
    sites.truncate(MOST);
    sites.iter_mut().for_each(|site| site.bytes_per_call = site.bytes as f64 / calls);
    sites
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOP: (&str, &str, u64) = ("_run", "/usr/lib/python3.11/asyncio/events.py", 80);
    const MAIN: (&str, &str, u64) = ("<module>", "/home/me/server/main.py", 90);
    const TOOL: (&str, &str, u64) = ("run", "/v/lib/python3.11/site-packages/fastmcp/tools/tool.py", 186);
    const JSON: (&str, &str, u64) = ("raw_decode", "/usr/lib/python3.11/json/decoder.py", 353);

    fn record(bytes: u64, frames: &[(&str, &str, u64)]) -> Record {
        let frame = |&(function, file, line): &(&str, &str, u64)| Frame(function.into(), file.into(), line);
        Record { bytes, allocations: Some(1), frames: frames.iter().map(frame).collect() }
    }

    fn site(frames: &[(&str, &str, u64)]) -> String {
        most(&[record(1, frames)], 1.0).remove(0).line
    }

    #[test]
    fn the_line_that_fills_a_cache_is_told_and_not_the_library_that_made_what_is_in_it() {
        let own = ("cached", "/home/me/server/store.py", 21);
        let found = most(&[record(9, &[JSON, own, TOOL, LOOP, MAIN])], 2.0).remove(0);
        assert_eq!((found.line.as_str(), found.function.as_str()), ("server/store.py:21", "cached"));
        assert_eq!((found.bytes, found.bytes_per_call), (9, 4.5));
        assert_eq!(found.through.as_deref(), Some("raw_decode (json/decoder.py:353)"));
    }

    #[test]
    fn what_only_started_the_event_loop_has_kept_nothing() {
        let manager = ("handle", "/v/lib/python3.11/site-packages/mcp/server/manager.py", 228);
        assert_eq!(site(&[JSON, manager, TOOL, LOOP, MAIN]), "mcp/server/manager.py:228");
        assert_eq!(site(&[JSON, LOOP, MAIN]), "json/decoder.py:353");
        let stream = ("__new__", "/v/lib/python3.11/site-packages/anyio/_core/_streams.py", 51);
        assert_eq!(
            site(&[stream, manager, LOOP, MAIN]),
            "mcp/server/manager.py:228",
            "the SDK's own sessions"
        );
        assert_eq!(site(&[LOOP, MAIN]), "asyncio/events.py:80");
        assert_eq!(site(&[JSON, MAIN]), "server/main.py:90", "a server without a loop is all its own");
    }

    #[test]
    fn an_installed_server_is_the_outermost_package_that_is_no_framework() {
        let own = ("fetch", "/v/lib/python3.11/site-packages/mcp_server_x/tools.py", 5);
        let library = ("get", "/v/lib/python3.11/site-packages/requests/api.py", 7);
        let script = ("<module>", "/v/bin/mcp-server-x", 8);
        assert_eq!(site(&[JSON, library, own, TOOL, script]), "mcp_server_x/tools.py:5");
    }

    #[test]
    fn of_a_native_stack_the_function_is_told_that_had_something_allocated() {
        let rust = "main (main.rs);{async_fn#0} (active.rs);leak (active.rs);from_elem<> (mod.rs);\
                    with_capacity_in<> (mod.rs);alloc (alloc.rs);\
                    _RNvCsfLfy6EI15iL_7___rustc11___rdl_alloc (alloc.rs); 512";
        let mangled = "main (main.rs);keep (store.rs);\
                       _RNvNtNtNtCsjrHSEGnQ3l9_3std3sys5alloc4unix14aligned_malloc (unix.rs); 8";
        let legacy = "main (main.rs);store::hold::h06d0826ff63e880a (store.rs);\
                      _$LT$u8$u20$as$u20$alloc..vec..spec_from_elem..SpecFromElem$GT$::from_elem::h5b5bcd9d50a07c34;\
                      _$LT$alloc..alloc..Global$u20$as$u20$core..alloc..Allocator$GT$::allocate::hd39beec3937b728a; 4";
        let lines = [rust, mangled, legacy, "main (main.rs); 0"];
        let records: Vec<Record> = lines.into_iter().filter_map(Record::of_native).collect();
        let found: Vec<(String, String)> =
            most(&records, 1.0).into_iter().map(|site| (site.function, site.line)).collect();
        let expected = [("leak", "active.rs"), ("keep", "store.rs"), ("store::hold", "store.rs")];
        assert_eq!(found, expected.map(|(function, line)| (function.to_owned(), line.to_owned())));
        assert_eq!(folded(&records)[0], "main (main.rs);{async_fn#0} (active.rs);leak (active.rs) 512");
    }

    #[test]
    fn sites_are_summed_by_line_and_the_most_come_first() {
        let at = |line| ("keep", "/home/me/server/store.py", line);
        let records = [record(5, &[at(1)]), record(7, &[at(2)]), record(3, &[at(1), TOOL])];
        let found: Vec<(String, u64)> =
            most(&records, 1.0).into_iter().map(|site| (site.line, site.bytes)).collect();
        assert_eq!(found, [("server/store.py:1".to_owned(), 8), ("server/store.py:2".to_owned(), 7)]);
    }

    #[test]
    fn a_stack_is_folded_from_its_root_without_what_only_leads_to_it() {
        let own = ("keep", "/home/me/server/store.py", 1);
        let lines = folded(&[record(5, &[own, TOOL, LOOP, MAIN]), record(2, &[])]);
        let whole = "<module> (server/main.py:90);run (fastmcp/tools/tool.py:186);keep (server/store.py:1) 5";
        assert_eq!(lines, [whole, "outside of Python's code 2"]);
    }
}
