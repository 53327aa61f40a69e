//! What of a sampled stack is worth a frame: what the runtime does to get to our code is not.

use std::time::SystemTime;

use pprof::Frames;

/// Frames of thread start, task polling, unwinding and benching, by the path their names begin with.
const NOISE: [&str; 17] = [
    // The unwinder had no more of the stack.
    "[unknown]",
    "__rust_try",
    "__libc_start",
    "_start",
    "clone",
    "core::future::",
    "core::ops::function::",
    "core::panic::",
    "criterion::",
    "futures_util::",
    "main",
    "start_thread",
    "std::panic",
    "std::rt::",
    "std::sys::",
    "std::thread::",
    "tokio::",
];

/// Leaves out the runtime's frames but for the innermost: time that the runtime itself takes stays visible.
/// Samples of one thread name and stack become equal, whenever they were taken.
pub(super) fn clean(sample: &mut Frames) {
    let symbols = std::mem::take(&mut sample.frames).into_iter().flatten();
    // The signal's handler lies on top of what it interrupted.
    let symbols = symbols.skip_while(|symbol| is_sampler(&symbol.name())).enumerate();
    let kept = symbols.filter(|(index, symbol)| *index == 0 || !is_noise(&symbol.name()));
    sample.frames = kept.map(|(_, symbol)| vec![symbol]).collect();
    sample.thread_id = 0;
    sample.sample_timestamp = SystemTime::UNIX_EPOCH;
}

/// The same for names, from the innermost on.
pub(super) fn without_noise(names: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    names.enumerate().filter(|(index, name)| *index == 0 || !is_noise(name)).map(|(_, name)| name)
}

fn is_sampler(name: &str) -> bool {
    let path = name.trim_start_matches('<');
    path.starts_with("pprof::") || path.starts_with("backtrace::")
}

fn is_noise(name: &str) -> bool {
    // `<Type as Trait>::function` is noise by either of the two.
    let mut paths = name.split(" as ").map(|path| path.trim_start_matches(['<', '&']));
    paths.any(|path| NOISE.iter().any(|noise| path.starts_with(noise)))
}

/// A sample as `thread;outer;…;inner count`. A semicolon in a name would cut it in two.
pub(super) fn fold(sample: &Frames, count: isize) -> String {
    let frames = sample.frames.iter().rev().flatten().map(|symbol| symbol.name().replace(';', ","));
    let stack: Vec<String> = std::iter::once(sample.thread_name_or_id()).chain(frames).collect();
    format!("{} {count}", stack.join(";"))
}

#[cfg(test)]
mod tests {
    use pprof::Symbol;

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
}
