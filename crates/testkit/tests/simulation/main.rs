//! The simulation, over many seeds and in directed stories.

mod planted;
mod seeds;
