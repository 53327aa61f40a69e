//! What of a sampled stack is worth a frame: what the runtime does to get to our code is not.

use std::time::SystemTime;

use pprof::{Frames, Symbol};

/// Where a frame only leads to the work, by the beginning of its function's path: thread start, polling, unwinding,
/// benching.
const NOISE: [&str; 12] = [
    "core::future::",
    "core::ops::function::",
    "core::panic::",
    "criterion::",
    "futures_util::",
    "std::panic",
    "std::rt::",
    "std::sys::",
    "std::thread::",
    "tokio::",
    "__libc_start",
    "__rust_try",
];
/// The same, where the whole name is that; the first stands for what the unwinder could not read.
const START: [&str; 6] = ["[unknown]", "_start", "clone", "clone3", "main", "start_thread"];
/// The same by a part of the function's file: release binaries know inlined functions by their last name only.
const NOISE_FILES: [&str; 13] = [
    "/alloca-",
    "/criterion-",
    "/futures-util-",
    "/library/alloc/src/boxed.rs",
    "/library/core/src/future/",
    "/library/core/src/ops/function.rs",
    "/library/core/src/panic",
    "/library/std/src/panic",
    "/library/std/src/rt.rs",
    "/library/std/src/sys",
    "/library/std/src/thread",
    "/tokio-1",
    "/tokio-util-",
];

/// Leaves out the runtime's frames but for the innermost: time that the runtime itself takes stays visible.
/// Samples of one thread name and stack become equal, whenever they were taken.
pub fn clean(sample: &mut Frames) {
    let symbols = std::mem::take(&mut sample.frames).into_iter().flatten();
    // The signal's handler lies on top of what it interrupted.
    let symbols = symbols.skip_while(is_sampler).enumerate();
    let kept = symbols.filter(|(index, symbol)| *index == 0 || !is_noise_symbol(symbol));
    sample.frames = kept.map(|(_, symbol)| vec![labelled(symbol)]).collect();
    sample.thread_id = 0;
    sample.sample_timestamp = SystemTime::UNIX_EPOCH;
}

/// The same for names, from the innermost on.
pub fn without_noise(names: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    names.enumerate().filter(|(index, name)| *index == 0 || !is_noise(name)).map(|(_, name)| name)
}

fn is_sampler(symbol: &Symbol) -> bool {
    let (name, file) = (symbol.name(), symbol.filename());
    let path = name.trim_start_matches('<');
    let is_of = |name: &str, directory: &str| path.starts_with(name) || file.contains(directory);
    is_of("pprof::", "/pprof-") || is_of("backtrace::", "/backtrace-")
}

fn is_noise_symbol(symbol: &Symbol) -> bool {
    let file = symbol.filename();
    is_noise(&symbol.name()) || NOISE_FILES.iter().any(|noise| file.contains(noise))
}

/// A function known by its last name only, with its file instead of its path and parameters.
fn labelled(symbol: Symbol) -> Symbol {
    let name = symbol.name();
    let bare = name.split_once('<').map_or(&*name, |(bare, _)| bare);
    if bare.is_empty() || bare.contains("::") || symbol.filename.is_none() {
        return symbol;
    }
    let label = format!("{bare} ({})", short(&symbol.filename()));
    Symbol { name: Some(label.into_bytes()), ..symbol }
}

/// A file in its package, the package named unless it is ours.
fn short(file: &str) -> String {
    let Some((package, file_in_it)) = file.rsplit_once("/src/") else {
        let beside = file.rsplit_once("/benches/").or_else(|| file.rsplit_once("/tests/"));
        return beside.map_or(file, |(_, file_in_it)| file_in_it).to_owned();
    };
    if !package.contains("/library/") && !package.contains("/registry/") {
        return file_in_it.to_owned();
    }
    let package = package.rsplit('/').next().unwrap_or(package);
    let name = package.rsplit_once('-').map_or(package, |(name, _)| name);
    format!("{name}/{file_in_it}")
}

fn is_noise(name: &str) -> bool {
    // `<Type as Trait>::function` is noise by either of the two.
    let mut paths = name.split(" as ").map(|path| path.trim_start_matches(['<', '&']));
    START.contains(&name) || paths.any(|path| NOISE.iter().any(|noise| path.starts_with(noise)))
}

/// A sample as `thread;outer;…;inner count`. A semicolon in a name would cut it in two.
pub fn fold(sample: &Frames, count: isize) -> String {
    let frames = sample.frames.iter().rev().flatten().map(|symbol| symbol.name().replace(';', ","));
    let stack: Vec<String> = std::iter::once(sample.thread_name_or_id()).chain(frames).collect();
    format!("{} {count}", stack.join(";"))
}

/// The stack and the count of a folded line.
///
/// # Errors
///
/// If it is none.
pub(super) fn parse(line: &str) -> std::io::Result<(&str, u64)> {
    let parts = line.rsplit_once(' ').and_then(|(stack, count)| Some((stack, count.parse().ok()?)));
    parts.ok_or_else(|| std::io::Error::other(format!("'{line}' is no folded stack")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(names: &[&str]) -> Frames {
        let symbol = |name: &&str| {
            vec![Symbol { name: Some(name.as_bytes().to_vec()), addr: None, lineno: None, filename: None }]
        };
        let frames = names.iter().map(symbol).collect();
        Frames { frames, thread_name: "worker".into(), thread_id: 3, sample_timestamp: SystemTime::now() }
    }

    #[test]
    fn only_our_frames_and_the_innermost_are_left() {
        let stack = [
            "<pprof::T as pprof::Trace>::trace",
            "backtrace::trace",
            "tokio::io::read",
            "a::work",
            "<tokio::task::Task as F>::poll",
            "a::call",
            "std::rt::lang_start",
            "main",
        ];
        let mut sample = sample(&stack);
        clean(&mut sample);
        assert_eq!(fold(&sample, 7), "worker;a::call;a::work;tokio::io::read 7");
    }

    #[test]
    fn the_same_stack_at_two_times_is_one() {
        let (mut a, mut b) = (sample(&["a::work"]), sample(&["a::work"]));
        b.thread_id = 4;
        clean(&mut a);
        clean(&mut b);
        assert!(a == b);
    }

    #[test]
    fn a_function_known_by_its_last_name_only_has_its_file() {
        let labelled = |name: &str, file: &str| {
            let (name, filename) = (Some(name.as_bytes().to_vec()), Some(file.into()));
            labelled(Symbol { name, addr: None, lineno: None, filename }).name()
        };
        let serde = "/home/me/.cargo/registry/src/index/serde_json-1.0.1/src/ser.rs";
        assert_eq!(labelled("to_vec<str>", serde), "to_vec (serde_json/ser.rs)");
        assert_eq!(labelled("read<T>", "/home/me/bench/src/score/read/mod.rs"), "read (score/read/mod.rs)");
        assert_eq!(
            labelled("push<T, A>", "/rustc/1/library/alloc/src/vec/mod.rs"),
            "push (alloc/vec/mod.rs)"
        );
        assert_eq!(labelled("run", "/home/me/bench/benches/support/suite.rs"), "run (support/suite.rs)");
        assert_eq!(labelled("a::b", serde), "a::b");
        assert_eq!(labelled("<a::B as c::D>::e", serde), "<a::B as c::D>::e");
    }
}
