//! The symbols of DEFLATE and the fixed code (RFC 1951 §3.2.5, §3.2.6).

pub(crate) const MATCH_LEN_MIN: usize = 4;
pub(crate) const MATCH_LEN_MAX: usize = 258;
/// Literals, the end of a block, and lengths.
pub(crate) const LITERALS: usize = 286;
pub(crate) const DISTANCES: usize = 30;
pub(crate) const END_OF_BLOCK: usize = 256;

/// A code of up to 15 bits, ready to be written (its first bit is the lowest), and how many bits it has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Code {
    pub(crate) bits: u16,
    pub(crate) len: u8,
}

/// A symbol and the bits that follow it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbol {
    pub(crate) symbol: usize,
    pub(crate) extra: u16,
    pub(crate) extra_len: u8,
}

/// The symbol of each length from 3 to 258, less 257, by length - 3.
const LENGTH_SYMBOLS: [u8; 256] = {
    let mut table = [0; 256];
    let (mut symbol, mut at) = (0, 0);
    while symbol < 28 {
        let mut count = 1 << length_extra_len(symbol);
        while count > 0 && at < 256 {
            table[at] = symbol;
            at += 1;
            count -= 1;
        }
        symbol += 1;
    }
    // 258 has a symbol of its own.
    table[255] = 28;
    table
};

/// Bits that follow a length symbol, of which 257 has been taken off.
const fn length_extra_len(symbol: u8) -> u8 {
    if symbol < 8 || symbol >= 28 { 0 } else { symbol / 4 - 1 }
}

/// Of each length symbol: its first length - 3, and how many bits follow.
pub(crate) const LENGTHS: [(u8, u8); 29] = {
    let mut table = [(255, 0); 29];
    let mut length = 255;
    while length > 0 {
        length -= 1;
        let symbol = LENGTH_SYMBOLS[length];
        table[symbol as usize] = (length as u8, length_extra_len(symbol));
    }
    table
};

/// `length` is 3 to 258.
#[inline]
pub(crate) fn length_symbol(length: u16) -> Symbol {
    let length = (length - 3) as u8;
    let symbol = LENGTH_SYMBOLS[usize::from(length)];
    let (first, extra_len) = LENGTHS[usize::from(symbol)];
    Symbol { symbol: usize::from(symbol) + 257, extra: u16::from(length - first), extra_len }
}

/// `distance` is 1 to 32768.
#[inline]
pub(crate) fn distance_symbol(distance: u16) -> Symbol {
    let distance = distance.wrapping_sub(1);
    if distance < 4 {
        return Symbol { symbol: usize::from(distance), extra: 0, extra_len: 0 };
    }
    let extra_len = distance.ilog2() - 1;
    let symbol = 2 * extra_len as usize + usize::from(distance >> extra_len);
    Symbol { symbol, extra: distance & ((1 << extra_len) - 1), extra_len: extra_len as u8 }
}

/// Bits that follow a symbol of literals and lengths.
pub(crate) fn literal_extra_len(symbol: usize) -> u8 {
    symbol.checked_sub(257).and_then(|length| LENGTHS.get(length)).map_or(0, |&(_, extra_len)| extra_len)
}

/// Bits that follow a distance symbol.
pub(crate) const fn distance_extra_len(symbol: usize) -> u8 {
    (symbol as u8 / 2).saturating_sub(1)
}

pub(crate) const fn fixed_literal_len(symbol: usize) -> u8 {
    match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    }
}

pub(crate) const FIXED_DISTANCE_LEN: u8 = 5;

pub(crate) const FIXED_LITERALS: [Code; LITERALS] = {
    let mut codes = [Code { bits: 0, len: 0 }; LITERALS];
    let mut symbol = 0;
    while symbol < LITERALS {
        let len = fixed_literal_len(symbol);
        let bits = match symbol {
            0..144 => 0x30 + symbol,
            144..256 => 0x190 + (symbol - 144),
            256..280 => symbol - 256,
            _ => 0xc0 + (symbol - 280),
        };
        codes[symbol] = Code { bits: (bits as u16).reverse_bits() >> (16 - len), len };
        symbol += 1;
    }
    codes
};

pub(crate) const FIXED_DISTANCES: [Code; DISTANCES] = {
    let mut codes = [Code { bits: 0, len: 0 }; DISTANCES];
    let mut symbol = 0;
    while symbol < DISTANCES {
        codes[symbol] = Code {
            bits: (symbol as u16).reverse_bits() >> (16 - FIXED_DISTANCE_LEN),
            len: FIXED_DISTANCE_LEN,
        };
        symbol += 1;
    }
    codes
};
