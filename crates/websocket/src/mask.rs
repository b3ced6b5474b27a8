//! Masking (RFC 6455 §5.3).

/// The four bytes that the payload of a frame is masked with.
///
/// A client takes a fresh one for every frame from a strong source of randomness (§10.3); this crate has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaskKey(pub [u8; 4]);

impl MaskKey {
    /// The key with which a payload goes on after `offset` of its bytes.
    #[inline]
    #[must_use]
    pub(crate) fn rotated(self, offset: usize) -> MaskKey {
        // Byte 0 of the key is the low byte of the word, so rotating right by whole bytes puts the next one there.
        let bits = (offset as u32 & 3) * 8;
        MaskKey(u32::from_le_bytes(self.0).rotate_right(bits).to_le_bytes())
    }

    /// The key twice, in the order of its bytes in memory.
    #[inline]
    fn double(self) -> u64 {
        let word = u64::from(u32::from_ne_bytes(self.0));
        word << 32 | word
    }
}

impl From<[u8; 4]> for MaskKey {
    fn from(bytes: [u8; 4]) -> MaskKey {
        MaskKey(bytes)
    }
}

/// Masks or unmasks `payload` in place: both are the same operation (§5.3).
///
/// `offset` is the number of bytes of the same frame's payload that came before `payload`, so that a frame can be done in
/// pieces as it arrives.
///
/// ```
/// use dunlin_websocket::{MaskKey, apply_mask};
/// let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
/// let mut payload = *b"\x7f\x9f\x4d\x51\x58";
/// let (head, tail) = payload.split_at_mut(3);
/// apply_mask(head, key, 0);
/// apply_mask(tail, key, 3);
/// assert_eq!(&payload, b"Hello");
/// ```
#[inline]
pub fn apply_mask(payload: &mut [u8], key: MaskKey, offset: usize) {
    let key = key.rotated(offset);
    if payload.len() < BLOCK {
        mask_short(payload, key);
    } else {
        mask_blocks(payload, key);
    }
}

/// A vector register of baseline x86-64 and of Arm.
const BLOCK: usize = 16;

/// What the main loop does at a time: a cache line.
const LINE: usize = 64;

/// From this length on, reading and writing within cache lines repays the effort of getting there.
const LONG: usize = 512;

/// Masks `BLOCK` bytes or more in blocks from wherever they are aligned, if that matters, and the ends as blocks that
/// overlap the ones beside them. Overlapping blocks agree on the result, as the ends are read before anything is written,
/// and they cost no branches that depend on the length.
fn mask_blocks(payload: &mut [u8], key: MaskKey) {
    let (Some(&(mut head)), Some(&(mut tail))) =
        (payload.first_chunk::<BLOCK>(), payload.last_chunk::<BLOCK>())
    else {
        return;
    };
    xor(&mut tail, key.rotated(payload.len()).double());
    if payload.len() < LONG {
        mask_whole_blocks(payload, key.double());
    } else {
        xor(&mut head, key.double());
        // Frames put payloads anywhere; every fourth access would cross a line, at nearly half the speed.
        let ahead = payload.as_ptr().align_offset(BLOCK).min(BLOCK);
        mask_whole_blocks(&mut payload[ahead..], key.rotated(ahead).double());
        payload[..BLOCK].copy_from_slice(&head);
    }
    let tail_at = payload.len() - BLOCK;
    payload[tail_at..].copy_from_slice(&tail);
}

/// Masks all whole blocks, and leaves the last 15 bytes or fewer alone.
#[inline]
fn mask_whole_blocks(payload: &mut [u8], key: u64) {
    let (lines, rest) = payload.as_chunks_mut::<LINE>();
    for line in lines {
        xor(line, key);
    }
    // Not a loop, which the compiler would unroll for many blocks: there are three at most.
    let (pairs, rest) = rest.as_chunks_mut::<{ 2 * BLOCK }>();
    if let Some(pair) = pairs.first_mut() {
        xor(pair, key);
    }
    if let Some(block) = rest.first_chunk_mut::<BLOCK>() {
        xor(block, key);
    }
}

/// `N` is a multiple of 8.
#[inline]
fn xor<const N: usize>(bytes: &mut [u8; N], key: u64) {
    for word in bytes.as_chunks_mut::<8>().0 {
        *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
    }
}

/// Masks fewer than `BLOCK` bytes, with overlapping ends too.
fn mask_short(payload: &mut [u8], key: MaskKey) {
    let end_key = key.rotated(payload.len());
    if let (Some(&(mut head)), Some(&(mut tail))) = (payload.first_chunk::<8>(), payload.last_chunk::<8>()) {
        xor(&mut head, key.double());
        xor(&mut tail, end_key.double());
        let tail_at = payload.len() - 8;
        payload[..8].copy_from_slice(&head);
        payload[tail_at..].copy_from_slice(&tail);
        return;
    }
    for (byte, key) in payload.iter_mut().zip(key.0.iter().cycle()) {
        *byte ^= key;
    }
}
