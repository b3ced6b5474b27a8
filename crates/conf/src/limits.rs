//! What a configuration may at most hold.

/// Bounds on what [`crate::parse_with_limits`] takes in, so that no input makes it recurse or allocate without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Maps and arrays inside each other (64).
    pub depth: usize,
    /// Files that include each other in a chain (16).
    pub include_depth: usize,
    /// Included files in all (1024).
    pub includes: usize,
    /// Values in the tree, copies made by variables counted again (1,000,000).
    pub values: usize,
    /// Bytes of one file (16 MiB).
    pub file_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, include_depth: 16, includes: 1024, values: 1_000_000, file_bytes: 16 << 20 }
    }
}
