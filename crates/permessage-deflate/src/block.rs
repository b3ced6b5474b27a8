//! Blocks: each is written in the cheapest of the three forms (RFC 1951 §3.2.3).

use alloc::vec::Vec;

use crate::bit_writer::{BitWriter, Pending};
use crate::header::Header;
use crate::huffman::{Builder, CODE_LEN_MAX, CodeBook};
use crate::matcher::Sequence;
use crate::symbols::{
    Code, DISTANCES, END_OF_BLOCK, FIXED_DISTANCE_LEN, FIXED_DISTANCES, FIXED_LITERALS, LITERALS,
    distance_extra_len, distance_symbol, fixed_literal_len, length_symbol, literal_extra_len,
};

/// Three bits: this is not the final block, and its type.
const STORED: u64 = 0b000;
const FIXED: u64 = 0b010;
const DYNAMIC: u64 = 0b100;
/// Without its three bits, at the beginning of a byte.
const EMPTY_STORED: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// A fixed block that holds nothing: its three bits and seven zeros.
const EMPTY_FIXED_LEN: usize = 10;

/// What comes behind a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Another block.
    Block,
    /// Nothing more: the message ends (RFC 7692 §7.2.1).
    End,
    /// What is written on its own, from the beginning of a byte on.
    Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Stored,
    Fixed,
    Dynamic,
}

/// Writes blocks.
pub(crate) struct BlockWriter {
    literal_counts: [u16; LITERALS],
    distance_counts: [u16; DISTANCES],
    literals: CodeBook<LITERALS>,
    distances: CodeBook<DISTANCES>,
    builder: Builder,
    header: Header,
}

impl BlockWriter {
    pub(crate) fn new() -> Self {
        Self {
            literal_counts: [0; LITERALS],
            distance_counts: [0; DISTANCES],
            literals: CodeBook::new(),
            distances: CodeBook::new(),
            builder: Builder::new(),
            header: Header::new(),
        }
    }

    /// Appends the block that `data` and its sequences make to what `out` and `pending` hold.
    pub(crate) fn write(
        &mut self,
        data: &[u8],
        sequences: &[Sequence],
        behind: Behind,
        pending: &mut Pending,
        out: &mut Vec<u8>,
    ) {
        self.count(data, sequences);
        let (dynamic_len, fixed_len) = self.build();
        let stored_len = stored_len(data.len(), pending.len());
        let forms = [
            (Form::Fixed, fixed_len, 0),
            (Form::Dynamic, dynamic_len, self.header.spare()),
            (Form::Stored, stored_len, 0),
        ];
        // What is behind the block counts, too: a stored block ends with a byte.
        let [fixed, dynamic, stored] = forms.map(|(form, len, spare)| {
            let (padding, padding_len) = Padding::choose(behind, pending.len() + len, spare);
            (form, padding, len + padding_len)
        });
        let best = if dynamic.2 < fixed.2 { dynamic } else { fixed };
        let (form, padding, len) = if stored.2 < best.2 { stored } else { best };
        let start = out.len();
        // A word more than what the writer fills, since it always stores whole words.
        out.resize(start + (pending.len() + len).div_ceil(8) + 8, 0);
        let mut writer = BitWriter::new(&mut out[start..], *pending);
        match form {
            Form::Stored => write_stored(data, &mut writer),
            Form::Fixed => {
                writer.put(FIXED, 3);
                writer = write_body(data, sequences, &FIXED_LITERALS, &FIXED_DISTANCES, writer);
            }
            Form::Dynamic => {
                writer.put(DYNAMIC, 3);
                writer = self.header.write(padding.spare, writer);
                writer = write_body(data, sequences, &self.literals.codes, &self.distances.codes, writer);
            }
        }
        padding.write(&mut writer);
        let (written, rest) = writer.finish();
        debug_assert_eq!(written * 8 + rest.len(), pending.len() + len);
        *pending = rest;
        out.truncate(start + written);
    }

    fn count(&mut self, data: &[u8], sequences: &[Sequence]) {
        self.literal_counts.fill(0);
        self.distance_counts.fill(0);
        let mut rest = data;
        for sequence in sequences {
            let (literals, behind) = rest.split_at(usize::from(sequence.literals));
            for &byte in literals {
                self.literal_counts[usize::from(byte)] += 1;
            }
            if sequence.length > 0 {
                self.literal_counts[length_symbol(sequence.length).symbol] += 1;
                self.distance_counts[distance_symbol(sequence.distance).symbol] += 1;
            }
            rest = &behind[usize::from(sequence.length)..];
        }
        self.literal_counts[END_OF_BLOCK] = 1;
    }

    /// Makes the codes of a dynamic block. Returns its bits, and those of a fixed block.
    fn build(&mut self) -> (usize, usize) {
        let Self { literals, distances, literal_counts, distance_counts, builder, header } = self;
        literals.build(literal_counts, CODE_LEN_MAX, builder);
        distances.build(distance_counts, CODE_LEN_MAX, builder);
        let (mut dynamic_len, mut fixed_len) = (3 + header.prepare(literals, distances, builder), 3);
        for symbol in literals.symbols() {
            let (count, extra_len) = (usize::from(literal_counts[symbol]), literal_extra_len(symbol));
            dynamic_len += count * usize::from(literals.codes[symbol].len + extra_len);
            fixed_len += count * usize::from(fixed_literal_len(symbol) + extra_len);
        }
        for symbol in distances.symbols() {
            let (count, extra_len) = (usize::from(distance_counts[symbol]), distance_extra_len(symbol));
            dynamic_len += count * usize::from(distances.codes[symbol].len + extra_len);
            fixed_len += count * usize::from(FIXED_DISTANCE_LEN + extra_len);
        }
        (dynamic_len, fixed_len)
    }
}

/// Bits of a stored block that begins behind `pending` bits of a byte.
fn stored_len(len: usize, pending: usize) -> usize {
    (pending + 3).next_multiple_of(8) - pending + 32 + 8 * len
}

fn write_stored(data: &[u8], writer: &mut BitWriter<'_>) {
    writer.put(STORED, 3);
    writer.align();
    let len = data.len() as u16;
    writer.put(u64::from(len) | u64::from(!len) << 16, 32);
    writer.put_bytes(data);
}

fn write_body<'a>(
    data: &[u8],
    sequences: &[Sequence],
    literal_codes: &[Code; LITERALS],
    distance_codes: &[Code; DISTANCES],
    mut writer: BitWriter<'a>,
) -> BitWriter<'a> {
    let put_code = |code: Code, writer: &mut BitWriter<'_>| writer.put(u64::from(code.bits), code.len);
    let mut rest = data;
    for sequence in sequences {
        let (literals, behind) = rest.split_at(usize::from(sequence.literals));
        // Three codes of 15 bits fit beside the 7 that a flush leaves.
        let (threes, others) = literals.as_chunks::<3>();
        for three in threes {
            for &byte in three {
                put_code(literal_codes[usize::from(byte)], &mut writer);
            }
            writer.flush();
        }
        for &byte in others {
            put_code(literal_codes[usize::from(byte)], &mut writer);
        }
        writer.flush();
        if sequence.length > 0 {
            let length = length_symbol(sequence.length);
            put_code(literal_codes[length.symbol], &mut writer);
            writer.put(u64::from(length.extra), length.extra_len);
            let distance = distance_symbol(sequence.distance);
            put_code(distance_codes[distance.symbol], &mut writer);
            writer.put(u64::from(distance.extra), distance.extra_len);
            writer.flush();
        }
        rest = &behind[usize::from(sequence.length)..];
    }
    put_code(literal_codes[END_OF_BLOCK], &mut writer);
    writer.flush();
    writer
}

/// What a block is followed by.
#[derive(Clone, Copy, Debug)]
struct Padding {
    /// Code lengths of 0 more than needed in the header of a dynamic block: 3 bits each.
    spare: usize,
    behind: Filler,
}

#[derive(Clone, Copy, Debug)]
enum Filler {
    /// So many empty fixed blocks.
    Fixed(usize),
    /// An empty stored block without the four bytes at its end.
    CutStored,
    /// An empty stored block.
    Stored,
}

impl Padding {
    /// The cheapest for a block that ends behind `end` bits. Returns its bits, too.
    ///
    /// A part must end with a byte. An empty stored block does that for 35 to 42 bits. Cheaper: a spare code
    /// length in a dynamic block's header takes 3 bits, and an empty fixed block 10, so that with enough of both the
    /// end of the byte is met with 15 bits at most.
    fn choose(behind: Behind, end: usize, spare_max: usize) -> (Self, usize) {
        let stored_len = (end + 3).next_multiple_of(8) - end;
        match behind {
            Behind::Block => return (Self { spare: 0, behind: Filler::Fixed(0) }, 0),
            Behind::End => return (Self { spare: 0, behind: Filler::CutStored }, stored_len),
            Behind::Part => {}
        }
        let mut best = (Self { spare: 0, behind: Filler::Stored }, stored_len + 8 * EMPTY_STORED.len());
        for spare in 0..=spare_max {
            for blocks in 0..4 {
                let len = 3 * spare + EMPTY_FIXED_LEN * blocks;
                if len < best.1 && (end + len).is_multiple_of(8) {
                    best = (Self { spare, behind: Filler::Fixed(blocks) }, len);
                }
            }
        }
        best
    }

    fn write(self, writer: &mut BitWriter<'_>) {
        match self.behind {
            Filler::Fixed(blocks) => {
                for _ in 0..blocks {
                    writer.put(FIXED, EMPTY_FIXED_LEN as u8);
                    writer.flush();
                }
            }
            Filler::CutStored => {
                writer.put(STORED, 3);
                writer.align();
            }
            Filler::Stored => {
                writer.put(STORED, 3);
                writer.align();
                writer.put_bytes(&EMPTY_STORED);
            }
        }
    }
}
