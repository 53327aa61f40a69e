//! The tools on generated orchestral scores, 20×100 to 150×500 parts × measures: how each scales with
//! the score. Throughput is notes a second, so a tool that scales linearly keeps its figure.

mod support;

fn main() -> std::process::ExitCode {
    support::run("orchestral")
}
