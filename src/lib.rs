//! What the benches of the music21 MCP server are made of: a client that puts every reply into one class, the server under
//! test, generated orchestral scores, and what Criterion needs of committed baselines.
//!
//! The load scenarios, verdicts and reports are a program of their own, the package `music21-mcp-load`, which uses this
//! library.
//!
//! # Start a server and call a tool
//!
//! [`server::ServerSpec`] says which: the embedded server in this process, a command that speaks stdio, or a URL.
//!
//! ```
//! use std::time::Duration;
//!
//! use music21_mcp_bench::server::{ServerOptions, ServerSpec, ServerUnderTest};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! runtime.block_on(async {
//!     let server = ServerUnderTest::start(ServerSpec::InProcess, ServerOptions::default()).await?;
//!     let client = server.session().await?;
//!     let deadline = Duration::from_secs(30);
//!     let imported = client.import_score("hymn", "johnson_j_r/lift_every_voice", "corpus", deadline).await;
//!     assert!(imported.is_ok(), "{:?}", imported.message);
//!     let key = client.key_analysis("hymn", deadline).await;
//!     assert_eq!(key.payload().unwrap()["key"], "A- major");
//!     client.close().await;
//!     Ok(())
//! })
//! # }
//! ```
//!
//! # Generate a score
//!
//! The same seed gives the same bytes on every machine.
//!
//! ```
//! use music21_mcp_bench::score::{OrchestraSpec, write_generated};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (parts, measures, seed) = (20, 100, 7);
//! let mut document = Vec::new();
//! write_generated(&OrchestraSpec::new(parts, measures, seed)?, &mut document, |_| ())?;
//! assert!(document.starts_with(b"<?xml"));
//! # Ok(())
//! # }
//! ```
//!
//! # Bench one tool with Criterion
//!
//! A call is checked while it is timed: a failure that arrives as a success ends the bench.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use criterion::{Criterion, criterion_group, criterion_main};
//! use music21_mcp_bench::server::{ServerOptions, ServerSpec, ServerUnderTest};
//!
//! fn list(criterion: &mut Criterion) {
//!     // With one caller a current-thread runtime is the faster one.
//!     let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//!     let spec = ServerSpec::from_environment().expect("MUSIC21_MCP_SERVER names a server");
//!     let server = runtime.block_on(ServerUnderTest::start(spec, ServerOptions::default())).unwrap();
//!     let client = runtime.block_on(server.session()).unwrap();
//!     criterion.bench_function("list", |bencher| {
//!         bencher.to_async(&runtime).iter(|| async {
//!             assert!(client.list_scores(Duration::from_secs(30)).await.is_ok());
//!         });
//!     });
//! }
//!
//! criterion_group!(benches, list);
//! criterion_main!(benches);
//! ```

pub mod baseline;
pub mod client;
mod digest;
pub mod profile;
pub mod server;

pub use music21_mcp_embedded as embedded;
pub use music21_mcp_score as score;
