//! The machine on which something is measured, as far as the system says.

use rustix::system::uname;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::system::{cpu_field, line, memory_bytes};

/// The machine. Absolute times of two machines are never compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// As the processor calls itself.
    pub cpu_model: Option<String>,
    /// Cores this process may use (affinity and cgroup quota counted).
    pub cores: u32,
    /// Installed memory, bytes.
    pub memory_bytes: Option<u64>,
    /// Release of the kernel.
    pub kernel: Option<String>,
    /// Whether the processor says that a hypervisor runs it.
    pub virtual_machine: bool,
    /// The frequency governor of the first core.
    pub governor: Option<String>,
    /// SHA-256 of model, cores, memory (GiB) and the kernel's major version; where the model is not known, of this machine's
    /// name in the network, so that it is like no other.
    pub fingerprint: String,
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn here() -> Self {
        let mut machine = Self {
            cpu_model: cpu_field("model name"),
            cores: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
            memory_bytes: memory_bytes(),
            kernel: uname().release().to_str().ok().map(str::to_owned),
            virtual_machine: has_cpu_flag("hypervisor"),
            governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            fingerprint: String::new(),
        };
        machine.fingerprint = machine.identity();
        machine
    }

    fn identity(&self) -> String {
        let gib = self.memory_bytes.map(|bytes| bytes >> 30);
        let kernel = self.kernel.as_deref().and_then(|release| release.split('.').next());
        let name = uname();
        let model = self.cpu_model.as_deref().or_else(|| name.nodename().to_str().ok());
        let text = format!("{model:?} {} {gib:?} {kernel:?}", self.cores);
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether the first processor has a feature, by its name in `/proc/cpuinfo`.
#[must_use]
pub fn has_cpu_flag(name: &str) -> bool {
    cpu_field("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_an_identity_that_stays() {
        let machine = Machine::here();
        assert_eq!(machine.fingerprint.len(), 64);
        assert_eq!(machine, Machine::here());
        assert!(machine.cores >= 1);
    }
}
