//! The room that is fuzzed and not the package: with all of that instrumented, a build takes twelve minutes.

#[path = "../src/score/mod.rs"]
pub mod score;
