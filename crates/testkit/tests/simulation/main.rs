//! The simulation, over many seeds and in directed stories.

mod limits;
mod neighbours;
mod peers;
mod planted;
mod seeds;
mod volume;
