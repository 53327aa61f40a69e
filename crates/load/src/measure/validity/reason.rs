//! What may stand between a figure and its reader, and how far each reason goes.

use serde::{Deserialize, Serialize};

use super::super::accounting::Imbalance;
use super::{MS, VERY_LATE_NS};

/// Figures that one reason spoils alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figures {
    /// Response and service times, throughput, CPU time a call.
    Times,
    /// Memory, descriptors, threads, files.
    Resources,
    /// Calls by class, scores held, answers that belong to somebody else.
    Counts,
}

/// How a figure may be read, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// As it is.
    Valid,
    /// As an upper bound: interference adds to times and subtracts nothing from them.
    Disturbed,
    /// Not at all.
    Invalid,
}

impl Standing {
    /// As reports mark it; nothing for what is valid.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Valid => "",
            Self::Disturbed => "DISTURBED",
            Self::Invalid => "INVALID",
        }
    }
}

/// Something about the generator or its machine that a reader must know.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Calls were sent late: the quantile 0.99 of dispatched − due, nanoseconds.
    #[error("calls were sent up to {:.1} ms late (p99); free the machine or lower the rate", ms(*.0))]
    #[serde(alias = "gen_lag")]
    SchedulingDelay(u64),
    /// Single calls were sent very late: their share, 0 to 1.
    #[error("{:.2} % of the calls were sent more than {:.0} ms late", .0 * 100.0, ms(VERY_LATE_NS))]
    VeryLate(f64),
    /// The event loop was held up: the quantile 0.99 of how late it woke up, nanoseconds.
    #[error("the event loop woke up to {:.1} ms late (p99)", ms(*.0))]
    LoopLag(u64),
    /// The server saw less load than was asked for: the share of due calls that had not been sent at the end, 0 to 1.
    #[error("{:.1} % of the due calls were not sent before the end; lower the rate or free the machine", .0 * 100.0)]
    NotDelivered(f64),
    /// The machine slept, or the process was stopped: the longest gap, nanoseconds.
    #[error("the generator stood still for {:.1} s; was the machine suspended?", ms(*.0) / 1e3)]
    Suspended(u64),
    /// The generator used much of its CPU quota: the share, 0 to 1.
    #[error("the generator itself used {:.0} % of its CPUs", .0 * 100.0)]
    OwnCpu(f64),
    /// The generator's memory grows.
    #[error("the generator's own memory grows")]
    OwnLeak,
    /// The generator loses descriptors: how many more were open at the end than halfway.
    #[error("the generator's open descriptors grew by {0} in the second half")]
    DescriptorsLeft(i64),
    /// The clients were not as busy as a closed loop's are, and time went where no figure shows it: how far off they
    /// were, with its sign, as a share of their number.
    #[error("throughput times service time is {:+.0} % off the number of clients (Little's law)", .0 * 100.0)]
    Little(f64),
    /// A bug of the generator: how many of its tasks panicked.
    #[error("tasks of the generator panicked: {0}")]
    InternalError(u64),
    /// Totals do not add up: which ones.
    #[error("{0}")]
    Imbalance(Imbalance),
    /// Other machines on the same host took CPU time: the share, 0 to 1.
    #[error("the hypervisor took {:.1} % of the CPU time", .0 * 100.0)]
    Steal(f64),
    /// There was more work than CPUs, which may have been the server's own: the share of the time that some task
    /// waited, percent, 0 to 100.
    #[error("tasks waited for a CPU {0:.0} % of the time")]
    CpuPressure(f64),
    /// There was more work than CPUs, and much of it was not ours: the share of the CPUs that others used, 0 to 1.
    #[error("others used {:.0} % of the machine's CPUs while tasks waited for one; stop them and measure again", .0 * 100.0)]
    OthersBusy(f64),
    /// A profiler followed every allocation of the server's.
    #[error(
        "a profiler followed the server's memory: calls took longer, and growth has its own records in it"
    )]
    MemoryProfiled,
}

/// Beyond this share of calls that were not sent, a slope of memory is not that of the load asked for.
const RATE_KEPT: f64 = 0.1;

impl Reason {
    /// What it leaves of such figures, where it is a reason to refuse at all and no mere warning.
    pub(crate) fn leaves(&self, figures: Figures) -> Standing {
        match (self, figures) {
            // What cannot be counted on in one place can be in none.
            (Self::InternalError(_) | Self::Imbalance(_), _)
            | (
                Self::NotDelivered(_) | Self::OwnCpu(_) | Self::Little(_) | Self::Suspended(_),
                Figures::Times,
            )
            | (Self::Suspended(_), Figures::Resources) => Standing::Invalid,
            (Self::NotDelivered(share), Figures::Resources) if *share > RATE_KEPT => Standing::Invalid,
            (
                Self::SchedulingDelay(_)
                | Self::VeryLate(_)
                | Self::LoopLag(_)
                | Self::Steal(_)
                | Self::OthersBusy(_)
                | Self::MemoryProfiled,
                Figures::Times,
            ) => Standing::Disturbed,
            _ => Standing::Valid,
        }
    }
}

fn ms(ns: u64) -> f64 {
    ns as f64 / MS as f64
}
