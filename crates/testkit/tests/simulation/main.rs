//! The simulation, over many seeds and in directed stories.

mod groups;
mod limits;
mod neighbours;
mod peers;
mod planted;
mod seeds;
mod volume;
