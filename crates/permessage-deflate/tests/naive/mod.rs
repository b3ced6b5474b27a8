//! A DEFLATE decoder (RFC 1951) as plain as can be, bit by bit: the oracle for what the crate writes and reads.

/// Inflates `data`, a whole number of blocks, behind `context`, the end of what was inflated before. Returns the
/// largest distance that occurred.
///
/// After a final block the next one begins with the next byte (RFC 7692 §7.2.1). What follows the last whole block must
/// be less than a byte.
pub(crate) fn inflate(data: &[u8], context: &mut Vec<u8>) -> Result<usize, &'static str> {
    let mut bits = Bits { data, position: 0 };
    let mut distance_max = 0;
    while bits.position < data.len() * 8 {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, context)?,
            1 => {
                let (literals, distances) = (Code::new(&fixed_lengths()), Code::new(&[5; 30]));
                distance_max = distance_max.max(block(&mut bits, &literals, &distances, context)?);
            }
            2 => {
                let (literals, distances) = dynamic_codes(&mut bits)?;
                distance_max = distance_max.max(block(&mut bits, &literals, &distances, context)?);
            }
            _ => return Err("block type"),
        }
        if last {
            bits.align();
        }
    }
    Ok(distance_max)
}

struct Bits<'a> {
    data: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Result<usize, &'static str> {
        let mut value = 0;
        for i in 0..count {
            let byte = *self.data.get(self.position / 8).ok_or("truncated")?;
            value |= usize::from(byte >> (self.position % 8) & 1) << i;
            self.position += 1;
        }
        Ok(value)
    }

    fn align(&mut self) {
        self.position = self.position.next_multiple_of(8);
    }
}

/// A canonical Huffman code: the symbols of each length, in order.
struct Code {
    symbols: Vec<Vec<usize>>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let of_length = |length| (0..lengths.len()).filter(|&s| lengths[s] == length).collect();
        Self { symbols: (1..=15).map(of_length).collect() }
    }

    fn next(&self, bits: &mut Bits<'_>) -> Result<usize, &'static str> {
        let (mut code, mut first) = (0, 0);
        for symbols in &self.symbols {
            code |= bits.take(1)?;
            if code < first {
                return Err("code");
            }
            if let Some(&symbol) = symbols.get(code - first) {
                return Ok(symbol);
            }
            first = (first + symbols.len()) << 1;
            code <<= 1;
        }
        Err("code")
    }
}

fn fixed_lengths() -> Vec<usize> {
    (0..288)
        .map(|symbol| match symbol {
            0..144 => 8,
            144..256 => 9,
            256..280 => 7,
            _ => 8,
        })
        .collect()
}

fn dynamic_codes(bits: &mut Bits<'_>) -> Result<(Code, Code), &'static str> {
    let (literals, distances, lengths) = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let mut meta = [0; 19];
    for &symbol in &[16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15][..lengths] {
        meta[symbol] = bits.take(3)?;
    }
    let meta = Code::new(&meta);
    let mut all = Vec::new();
    while all.len() < literals + distances {
        let (value, times) = match meta.next(bits)? {
            16 => (*all.last().ok_or("repeat")?, bits.take(2)? + 3),
            17 => (0, bits.take(3)? + 3),
            18 => (0, bits.take(7)? + 11),
            length => (length, 1),
        };
        all.extend(std::iter::repeat_n(value, times));
    }
    if all.len() > literals + distances {
        return Err("lengths");
    }
    Ok((Code::new(&all[..literals]), Code::new(&all[literals..])))
}

fn stored(bits: &mut Bits<'_>, out: &mut Vec<u8>) -> Result<(), &'static str> {
    bits.align();
    let len = bits.take(16)?;
    if bits.take(16)? != len ^ 0xffff {
        return Err("stored length");
    }
    for _ in 0..len {
        out.push(bits.take(8)? as u8);
    }
    Ok(())
}

fn block(
    bits: &mut Bits<'_>,
    literals: &Code,
    distances: &Code,
    out: &mut Vec<u8>,
) -> Result<usize, &'static str> {
    let mut distance_max = 0;
    loop {
        let symbol = literals.next(bits)?;
        match symbol {
            0..256 => out.push(symbol as u8),
            256 => return Ok(distance_max),
            257..286 => {
                let length = match_length(symbol - 257, bits)?;
                let distance = match_distance(distances.next(bits)?, bits)?;
                distance_max = distance_max.max(distance);
                for _ in 0..length {
                    let from = out.len().checked_sub(distance).ok_or("distance")?;
                    out.push(out[from]);
                }
            }
            _ => return Err("literal"),
        }
    }
}

fn match_length(code: usize, bits: &mut Bits<'_>) -> Result<usize, &'static str> {
    Ok(match code {
        0..8 => code + 3,
        28 => 258,
        _ => {
            let extra = code / 4 - 1;
            ((4 + code % 4) << extra) + 3 + bits.take(extra)?
        }
    })
}

fn match_distance(code: usize, bits: &mut Bits<'_>) -> Result<usize, &'static str> {
    Ok(match code {
        0..4 => code + 1,
        4..30 => {
            let extra = code / 2 - 1;
            ((2 + code % 2) << extra) + 1 + bits.take(extra)?
        }
        _ => return Err("distance"),
    })
}
