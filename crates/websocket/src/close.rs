//! The close frame (RFC 6455 §5.5.1, §7.4).

use alloc::vec::Vec;
use core::fmt;

use crate::error::ProtocolError;
use crate::header::{CONTROL_PAYLOAD_LEN_MAX, FrameHeader, OpCode};
use crate::mask::{MaskKey, apply_mask};

/// The longest reason that fits a close frame, in bytes.
pub const CLOSE_REASON_LEN_MAX: usize = CONTROL_PAYLOAD_LEN_MAX - 2;

const ELLIPSIS: &[u8] = b"...";

/// Why a connection ends (§7.4): any 16-bit number, of which only some may be sent, see [`CloseCode::is_valid_on_wire`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: CloseCode = CloseCode(1000);
    /// 1001: a server goes down, or a browser left the page.
    pub const GOING_AWAY: CloseCode = CloseCode(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: CloseCode = CloseCode(1002);
    /// 1003: a kind of data that the endpoint does not take, such as binary where only text is understood.
    pub const UNSUPPORTED: CloseCode = CloseCode(1003);
    /// 1005: a close frame came without a code. Never sent.
    pub const NO_STATUS: CloseCode = CloseCode(1005);
    /// 1006: the connection ended without a close frame. Never sent.
    pub const ABNORMAL: CloseCode = CloseCode(1006);
    /// 1007: a message does not fit its type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: CloseCode = CloseCode(1007);
    /// 1008: a message violates the endpoint's policy.
    pub const POLICY_VIOLATION: CloseCode = CloseCode(1008);
    /// 1009: a message is too big.
    pub const TOO_BIG: CloseCode = CloseCode(1009);
    /// 1010: the server did not agree on an extension that the client needs.
    pub const EXTENSION_REQUIRED: CloseCode = CloseCode(1010);
    /// 1011: the server met something unexpected.
    pub const INTERNAL_ERROR: CloseCode = CloseCode(1011);
    /// 1012: the service restarts (IANA registry).
    pub const SERVICE_RESTART: CloseCode = CloseCode(1012);
    /// 1013: try again later (IANA registry).
    pub const TRY_AGAIN_LATER: CloseCode = CloseCode(1013);
    /// 1014: a gateway got a bad answer (IANA registry).
    pub const BAD_GATEWAY: CloseCode = CloseCode(1014);
    /// 1015: the TLS handshake failed. Never sent.
    pub const TLS_HANDSHAKE: CloseCode = CloseCode(1015);

    /// Whether a close frame may carry this code (§7.4.1, §7.4.2): 1000-1003, 1007-1014 and 3000-4999.
    #[must_use]
    pub fn is_valid_on_wire(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Takes the unmasked payload of a close frame apart (§5.5.1). An empty one has neither code nor reason.
///
/// # Errors
///
/// [`ProtocolError::CloseTooShort`], [`ProtocolError::CloseCode`] or [`ProtocolError::CloseReason`].
pub fn parse_close_payload(payload: &[u8]) -> Result<(Option<CloseCode>, &str), ProtocolError> {
    let (code, reason) = match payload {
        [] => return Ok((None, "")),
        [_] => return Err(ProtocolError::CloseTooShort),
        [high, low, reason @ ..] => (CloseCode(u16::from_be_bytes([*high, *low])), reason),
    };
    if !code.is_valid_on_wire() {
        return Err(ProtocolError::CloseCode(code.0));
    }
    match core::str::from_utf8(reason) {
        Ok(reason) => Ok((Some(code), reason)),
        Err(_) => Err(ProtocolError::CloseReason),
    }
}

/// Appends a close frame (§5.5.1), masked if there is a `mask`.
///
/// Without a code, or with one that must not be sent (such as 1005 when another connection's end is passed on), the frame
/// is empty. A reason of more than [`CLOSE_REASON_LEN_MAX`] bytes is cut at a character and ends with `...`.
pub fn encode_close(code: Option<CloseCode>, reason: &str, mask: Option<MaskKey>, out: &mut Vec<u8>) {
    let code = code.filter(|code| code.is_valid_on_wire());
    let (reason, ellipsis) = match code {
        None => ("", &[][..]),
        Some(_) if reason.len() <= CLOSE_REASON_LEN_MAX => (reason, &[][..]),
        Some(_) => (&reason[..reason.floor_char_boundary(CLOSE_REASON_LEN_MAX - ELLIPSIS.len())], ELLIPSIS),
    };
    let code_len = if code.is_some() { 2 } else { 0 };
    let payload_len = (code_len + reason.len() + ellipsis.len()) as u64;
    FrameHeader { fin: true, rsv1: false, opcode: OpCode::Close, mask, payload_len }.encode(out);
    let start = out.len();
    if let Some(code) = code {
        out.extend_from_slice(&code.0.to_be_bytes());
        out.extend_from_slice(reason.as_bytes());
        out.extend_from_slice(ellipsis);
    }
    if let Some(key) = mask {
        apply_mask(&mut out[start..], key, 0);
    }
}
