//! The dunlin server.
fn main() {}
