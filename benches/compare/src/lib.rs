//! What both programs of this package need: the one that measures times, and the one that counts memory.

pub mod subjects;
