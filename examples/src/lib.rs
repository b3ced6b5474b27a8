//! Programs that show how the dunlin crates are used: see `src/bin`.
