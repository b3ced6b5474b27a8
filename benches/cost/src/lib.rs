//! What work costs, in instructions and in allocations, without sockets, clocks or chance.
//!
//! [`scenarios`] are counted by callgrind (`cargo xtask instructions`); the tests of this package count what is allocated. Both use
//! a [`Hall`]: one worker with its clients, on a wire in memory.

mod codecs;
mod hall;
mod payload;
mod turns;

pub use hall::{Client, Hall, Kind};
pub use payload::json;

/// Work that is done over and over, and always costs the same.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name in the list of counts.
    pub name: &'static str,
    /// How often the operation is counted.
    pub runs: u64,
    /// What one run does so many times: the unit of the count.
    pub operations: u64,
    /// Sets up, and gives what is to be run. It has checked that the work is done.
    pub prepare: fn() -> Box<dyn FnMut()>,
}

/// Everything that is counted.
pub fn scenarios() -> Vec<Scenario> {
    [codecs::SCENARIOS.as_slice(), turns::SCENARIOS.as_slice()].concat()
}
