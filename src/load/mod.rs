//! When to send and what: arrival schedules, workloads, sessions, the one driver.
