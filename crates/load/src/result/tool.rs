//! The program that measured.

use serde::{Deserialize, Serialize};

/// The program that measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// This package's version.
    pub version: String,
    /// The commit checked out in the working directory, if that is in this package's own repository; else unknown.
    pub git_rev: Option<String>,
    /// Whether tracked files differ from it. `null` where the commit is unknown, which is not the same as "no".
    pub dirty: Option<bool>,
    /// `release` or `debug`.
    pub profile: String,
    /// The first line of `rustc --version`, where there is one.
    pub rustc: Option<String>,
}
