/// What a parser refuses, fixed before the first byte is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of argument (the text after the verb and its blanks) that a control line may have, counted on
    /// incomplete lines too. The blanks after a verb, and the ignored text after `PING`, meet the same limit.
    /// Values over 1 GiB count as 1 GiB. Default: 4096.
    ///
    /// The `INFO` of a server with a long list of peers can be larger than the default: clients should allow more.
    pub control_line_max: usize,
    /// Most bytes of payload in one message, its header block included. The protocol itself ends at 999,999,999.
    /// Default: 1 MiB.
    pub payload_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { control_line_max: 4096, payload_max: 1024 * 1024 }
    }
}
