//! Bad parameters.

use core::fmt;

/// A parameter of a request that cannot be used. Its text is the body of the answer, with status 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadParameter {
    /// What is wrong.
    pub kind: Parameter,
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// The ways in which a parameter can be bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameter {
    /// Not a whole number.
    Integer,
    /// A whole number beyond 64 bits.
    IntegerRange,
    /// Not a whole number of zero or more.
    Unsigned,
    /// Such a number beyond 64 bits.
    UnsignedRange,
    /// Neither of the words for true and false.
    Boolean,
    /// No state of connections.
    State,
    /// No order.
    Sort,
    /// An order that only closed connections have.
    SortNeedsClosed,
}

impl fmt::Display for BadParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, value } = self;
        // The Go functions that refuse these values name themselves and quote the value.
        let go = |f: &mut fmt::Formatter<'_>, kind: &str, function: &str, reason: &str| {
            write!(f, "Error decoding {kind} for '{name}': strconv.{function}: parsing {value:?}: {reason}")
        };
        match kind {
            Parameter::Integer => go(f, "int", "Atoi", "invalid syntax"),
            Parameter::IntegerRange => go(f, "int", "Atoi", "value out of range"),
            Parameter::Unsigned => go(f, "uint64", "ParseUint", "invalid syntax"),
            Parameter::UnsignedRange => go(f, "uint64", "ParseUint", "value out of range"),
            Parameter::Boolean => go(f, "boolean", "ParseBool", "invalid syntax"),
            Parameter::State => write!(f, "Error decoding state for {value}"),
            Parameter::Sort => write!(f, "invalid sorting option: {value}"),
            Parameter::SortNeedsClosed => write!(f, "sort by {value} only valid on closed connections"),
        }
    }
}

impl core::error::Error for BadParameter {}
