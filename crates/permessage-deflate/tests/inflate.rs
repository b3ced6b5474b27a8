//! The clauses of RFC 1951, in streams written bit by bit, at every cut of the input and with little room for the output.
#![allow(clippy::unwrap_used)]

mod naive;
#[allow(dead_code)]
mod rivals;

use dunlin_permessage_deflate::InflateError::{self, InvalidData};
use dunlin_permessage_deflate::{Decompressor, Params, Role, Status};
use rivals::Verdict;

/// The bits of a stream: `13/5` is a number in 5 bits, its lowest one first; `0110` are bits as they come, such as a Huffman
/// code; `x61` is a byte; `|` fills the byte up with zeros.
fn stream(text: &str) -> Vec<u8> {
    let mut bits = Vec::new();
    for word in text.split_whitespace() {
        if let Some((number, count)) = word.split_once('/') {
            let number: u32 = number.parse().unwrap();
            bits.extend((0..count.parse().unwrap()).map(|bit| number >> bit & 1 == 1));
        } else if let Some(byte) = word.strip_prefix('x') {
            let byte = u8::from_str_radix(byte, 16).unwrap();
            bits.extend((0..8).map(|bit| byte >> bit & 1 == 1));
        } else if word == "|" {
            bits.resize(bits.len().next_multiple_of(8), false);
        } else {
            bits.extend(word.chars().map(|bit| bit == '1'));
        }
    }
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
    bits.chunks(8).map(byte).collect()
}

/// §3.2.2: the codes of these lengths.
fn codes(lens: &[usize]) -> Vec<String> {
    let mut codes = vec![String::new(); lens.len()];
    let mut code = 0;
    for len in 1..=15 {
        for (symbol, _) in lens.iter().enumerate().filter(|&(_, &of)| of == len) {
            codes[symbol] = format!("{code:0len$b}");
            code += 1;
        }
        code <<= 1;
    }
    codes
}

/// The code of a literal, an end or a length in the fixed code (§3.2.6).
fn fixed(symbol: usize) -> String {
    match symbol {
        0..144 => format!("{:08b}", 0b0011_0000 + symbol),
        144..256 => format!("{:09b}", 0b1_1001_0000 + symbol - 144),
        256..280 => format!("{:07b}", symbol - 256),
        _ => format!("{:08b}", 0b1100_0000 + symbol - 280),
    }
}

/// A final dynamic block. All lengths from 0 to 15 have a code of four bits, so a length is written as it is.
fn dynamic(literals: &[usize], distances: &[usize], body: &str) -> String {
    let mut text = format!("1 2/2 {}/5 {}/5 15/4 ", literals.len() - 257, distances.len() - 1);
    text += &format!("{} {}", "0/3 ".repeat(3), "4/3 ".repeat(16));
    for len in literals.iter().chain(distances) {
        text += &format!("{len:04b} ");
    }
    text + body
}

/// Lengths of so many symbols, all 0 but these.
fn lens(count: usize, used: &[(usize, usize)]) -> Vec<usize> {
    let mut lens = vec![0; count];
    for &(symbol, len) in used {
        lens[symbol] = len;
    }
    lens
}

/// Inflates `parts` with so much room at a time.
fn inflate(parts: &[&[u8]], room: usize) -> Result<Vec<u8>, InflateError> {
    let mut decompressor = Decompressor::new(&Params::default(), Role::Server);
    let (mut out, mut space) = (Vec::new(), vec![0; room]);
    for (index, part) in parts.iter().enumerate() {
        let (mut rest, fin) = (*part, index + 1 == parts.len());
        loop {
            let progress = decompressor.inflate(rest, fin, &mut space)?;
            out.extend_from_slice(&space[..progress.produced]);
            rest = &rest[progress.consumed..];
            if progress.status != Status::OutputFull {
                assert!(rest.is_empty());
                assert_eq!(progress.status == Status::MessageEnd, fin);
                break;
            }
        }
    }
    Ok(out)
}

/// miniz_oxide decodes a block that cannot end; nobody else does.
const NO_END: &str = "3.2.7 no end";

/// `stream` ends with its final block.
#[track_caller]
fn check(clause: &str, stream: &[u8], expected: Result<&[u8], InflateError>) {
    let expected = expected.map(<[u8]>::to_vec);
    for room in [1, 2, 3, 300, 1 << 17] {
        assert_eq!(inflate(&[stream], room), expected, "{clause}, room {room}");
        let bytes: Vec<_> = stream.chunks(1).collect();
        assert_eq!(inflate(&bytes, room), expected, "{clause}, byte by byte, room {room}");
    }
    for cut in 0..stream.len().min(500) {
        let (head, rest) = stream.split_at(cut);
        for room in [1, 5, 1000] {
            assert_eq!(inflate(&[head, rest], room), expected, "{clause}, cut at {cut}, room {room}");
        }
    }
    let theirs = match &expected {
        Ok(out) => Verdict::End(stream.len(), out.clone()),
        Err(_) => Verdict::Invalid,
    };
    if clause != NO_END {
        assert_eq!(rivals::miniz(stream, 1 << 17), theirs, "{clause}, miniz_oxide");
    }
    assert_eq!(rivals::zlib(stream, 1 << 17), theirs, "{clause}, zlib-rs");
    let mut plain = Vec::new();
    if let Ok(out) = &expected {
        naive::inflate(stream, &mut plain).unwrap();
        assert!(plain == *out, "{clause}, the plain inflater");
    }
}

#[track_caller]
fn accepts(clause: &str, text: &str, expected: &[u8]) {
    check(clause, &stream(text), Ok(expected));
}

/// Zeros behind the mistake, so that everybody has read enough to see it.
#[track_caller]
fn refuses(clause: &str, text: &str) {
    check(clause, &[stream(text), vec![0; 48]].concat(), Err(InvalidData));
}

#[test]
fn blocks() {
    accepts("3.2.3 the final block is the last", "0 1/2 0000000 0 1/2 10010001 0000000 1 1/2 0000000", b"a");
    refuses("3.2.3 block type 3", "1 3/2");
    refuses("3.2.3 block type 3, not final", "0 1/2 0000000 0 3/2");
}

#[test]
fn stored_blocks() {
    accepts("3.2.4 empty", "1 0/2 | 0/16 65535/16", b"");
    accepts("3.2.4 bytes", "1 0/2 | 3/16 65532/16 x61 x62 x63", b"abc");
    accepts("3.2.4 any bits up to the next byte", "1 0/2 11111 1/16 65534/16 x61", b"a");
    accepts("3.2.4 behind symbols", "0 1/2 10010001 0000000 1 0/2 | 1/16 65534/16 x62", b"ab");
    refuses("3.2.4 NLEN is not the complement", "1 0/2 | 3/16 65533/16 x61 x62 x63");
    let longest: Vec<u8> = (0..65_535u32).map(|n| ((n * n) >> 3) as u8).collect();
    let block = [&stream("1 0/2 | 65535/16 0/16")[..], &longest].concat();
    check("3.2.4 the longest", &block, Ok(&longest));
}

#[test]
fn the_fixed_code() {
    let all: Vec<u8> = (0..=255).collect();
    let text: String = (0..=256).map(|symbol| fixed(symbol) + " ").collect();
    accepts("3.2.6 all literals", &format!("1 1/2 {text}"), &all);
    for symbol in [286, 287] {
        refuses("3.2.6 286 and 287 never occur", &format!("1 1/2 {}", fixed(symbol)));
    }
    for distance in [30, 31] {
        let text = format!("1 1/2 {} {} {distance:05b}", fixed(b'a'.into()), fixed(257));
        refuses("3.2.6 distances 30 and 31 never occur", &text);
    }
}

/// §3.2.5: code, extra bits, first length.
const LENGTHS: [(usize, usize, usize); 29] = [
    (257, 0, 3),
    (258, 0, 4),
    (259, 0, 5),
    (260, 0, 6),
    (261, 0, 7),
    (262, 0, 8),
    (263, 0, 9),
    (264, 0, 10),
    (265, 1, 11),
    (266, 1, 13),
    (267, 1, 15),
    (268, 1, 17),
    (269, 2, 19),
    (270, 2, 23),
    (271, 2, 27),
    (272, 2, 31),
    (273, 3, 35),
    (274, 3, 43),
    (275, 3, 51),
    (276, 3, 59),
    (277, 4, 67),
    (278, 4, 83),
    (279, 4, 99),
    (280, 4, 115),
    (281, 5, 131),
    (282, 5, 163),
    (283, 5, 195),
    (284, 5, 227),
    (285, 0, 258),
];

/// §3.2.5: extra bits, first distance, by code.
const DISTANCES: [(usize, usize); 30] = [
    (0, 1),
    (0, 2),
    (0, 3),
    (0, 4),
    (1, 5),
    (1, 7),
    (2, 9),
    (2, 13),
    (3, 17),
    (3, 25),
    (4, 33),
    (4, 49),
    (5, 65),
    (5, 97),
    (6, 129),
    (6, 193),
    (7, 257),
    (7, 385),
    (8, 513),
    (8, 769),
    (9, 1025),
    (9, 1537),
    (10, 2049),
    (10, 3073),
    (11, 4097),
    (11, 6145),
    (12, 8193),
    (12, 12_289),
    (13, 16_385),
    (13, 24_577),
];

#[test]
fn every_length() {
    for (symbol, extra_len, first) in LENGTHS {
        for extra in [0, (1 << extra_len) - 1] {
            let text = format!(
                "1 1/2 {} {} {extra}/{extra_len} 00000 {} {}",
                fixed(b'a'.into()),
                fixed(symbol),
                fixed(b'b'.into()),
                fixed(256)
            );
            let expected = [&vec![b'a'; 1 + first + extra][..], b"b"].concat();
            accepts("3.2.5 lengths", &text, &expected);
        }
    }
}

#[test]
fn every_distance_code() {
    let before: Vec<u8> = (0..32_768u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let head = [&stream("0 0/2 | 32768/16 32767/16")[..], &before].concat();
    for (code, (extra_len, first)) in DISTANCES.into_iter().enumerate() {
        for extra in [0, (1 << extra_len) - 1] {
            let distance = first + extra;
            let text = format!("1 1/2 {} {code:05b} {extra}/{extra_len} {}", fixed(260), fixed(256));
            let mut expected = before.clone();
            for at in 0..6 {
                expected.push(expected[before.len() + at - distance]);
            }
            let payload = [&head[..], &stream(&text)].concat();
            for room in [7, 1 << 16] {
                assert_eq!(inflate(&[&payload], room).unwrap(), expected, "3.2.5 distance {distance}");
                let cut = [&payload[..head.len()], &payload[head.len()..]];
                assert_eq!(inflate(&cut, room).unwrap(), expected, "3.2.5 distance {distance}, cut");
            }
        }
    }
}

/// Matches that overlap what they make, up to where they are made in words.
#[test]
fn short_distances_with_every_length() {
    for (code, (extra_len, first)) in DISTANCES.into_iter().enumerate().take(12) {
        for extra in 0..1 << extra_len {
            let mut text = "1 1/2 ".to_owned();
            let mut expected: Vec<u8> = (0..first + extra).map(|n| n as u8).collect();
            expected.iter().for_each(|&literal| text += &format!("{} ", fixed(literal.into())));
            for (symbol, len_extra_len, len) in LENGTHS {
                text += &format!("{} 0/{len_extra_len} {code:05b} {extra}/{extra_len} ", fixed(symbol));
                for _ in 0..len {
                    expected.push(expected[expected.len() - first - extra]);
                }
            }
            let payload = stream(&(text + &fixed(256)));
            for room in [1, 100, 1000, 1 << 16] {
                assert_eq!(inflate(&[&payload], room).unwrap(), expected, "distance {}", first + extra);
            }
        }
    }
}

#[test]
fn distances_before_the_first_byte() {
    refuses("3.2.3 nothing is before", &format!("1 1/2 {} 00000", fixed(257)));
    refuses("3.2.3 one byte is before", &format!("1 1/2 {} {} 00001", fixed(b'a'.into()), fixed(257)));
    let text = format!("0 0/2 | 1/16 65534/16 x61 1 1/2 {} 11101 8191/13", fixed(285));
    refuses("3.2.3 the largest distance", &text);
}

#[test]
fn codes_of_all_lengths() {
    // One code of each length from 1 to 14, two of 15.
    let literals: Vec<_> =
        (0..13).map(|n| (n * 19, n + 1)).chain([(255, 14), (256, 15), (257, 15)]).collect();
    let literal_lens = lens(258, &literals);
    let distance_lens: Vec<usize> = (1..=15).chain([15]).collect();
    let (literal_codes, distance_codes) = (codes(&literal_lens), codes(&distance_lens));
    let (mut body, mut expected) = (String::new(), Vec::new());
    for round in 0..20 {
        for &(symbol, _) in literals.iter().filter(|&&(symbol, _)| symbol < 256) {
            body += &format!("{} ", literal_codes[symbol]);
            expected.push(symbol as u8);
        }
        let code = round % 16;
        let (extra_len, distance) = DISTANCES[code];
        if distance <= expected.len() {
            body += &format!("{} {} 0/{extra_len} ", literal_codes[257], distance_codes[code]);
            for _ in 0..3 {
                expected.push(expected[expected.len() - distance]);
            }
        }
    }
    body += &literal_codes[256];
    accepts("3.2.2 up to 15 bits", &dynamic(&literal_lens, &distance_lens, &body), &expected);
}

#[test]
fn sizes_of_dynamic_blocks() {
    let (a, end) = ((97, 1), (256, 1));
    for (literals, distances) in [(257, 1), (286, 30)] {
        let text = dynamic(&lens(literals, &[a, end]), &lens(distances, &[]), "0 0 1");
        accepts("3.2.7 HLIT and HDIST", &text, b"aa");
    }
    for (literals, distances) in [(287, 1), (288, 1), (257, 31), (257, 32)] {
        let text = dynamic(&lens(literals, &[a, end]), &lens(distances, &[]), "0 0 1");
        refuses("3.2.7 more symbols than there are", &text);
    }
}

#[test]
fn codes_of_dynamic_blocks() {
    // Symbols and the lengths of their codes, what is encoded with them, and what comes of it.
    type Lens = &'static [(usize, usize)];
    type Row = (&'static str, Lens, Lens, &'static str, Option<&'static [u8]>);
    let rows: [Row; 13] = [
        ("the end alone, one bit", &[(256, 1)], &[], "0", Some(b"")),
        ("the end alone, the other bit", &[(256, 1)], &[], "1", None),
        ("the end alone, two bits", &[(256, 2)], &[], "00", None),
        ("no literals at all", &[], &[], "0", None),
        ("too many literals", &[(97, 1), (98, 1), (256, 1)], &[], "0 1", None),
        ("too few literals", &[(97, 2), (98, 2), (256, 2)], &[], "00 10", None),
        ("one distance, one bit", &[(97, 1), (256, 2), (257, 2)], &[(0, 1)], "0 11 0 10", Some(b"aaaa")),
        ("one distance, the other bit", &[(97, 1), (256, 2), (257, 2)], &[(0, 1)], "0 11 1", None),
        ("one distance, two bits", &[(97, 1), (256, 2), (257, 2)], &[(0, 2)], "0 11 00 10", None),
        ("no distance, none used", &[(97, 1), (256, 2), (257, 2)], &[], "0 10", Some(b"a")),
        ("no distance, one used", &[(97, 1), (256, 2), (257, 2)], &[], "0 11 0", None),
        ("too many distances", &[(97, 1), (256, 1)], &[(0, 1), (1, 1), (2, 1)], "0 1", None),
        ("too few distances", &[(97, 1), (256, 1)], &[(0, 2), (1, 2)], "0 1", None),
    ];
    for (name, literals, distances, body, expected) in rows {
        let text = dynamic(&lens(258, literals), &lens(3, distances), body);
        match expected {
            Some(expected) => accepts(&format!("3.2.7 {name}"), &text, expected),
            None => refuses(&format!("3.2.7 {name}"), &text),
        }
    }
    refuses(NO_END, &dynamic(&lens(258, &[(97, 1), (98, 1)]), &[0], "0"));
    let pair = lens(257, &[(97, 1), (256, 1)]);
    for code in [30, 31] {
        let lens_31 = [lens(code, &[]), vec![1]].concat();
        // More distances than there may be, whether used or not.
        refuses("3.2.7 distances 30 and 31", &dynamic(&pair, &lens_31, "0 1"));
    }
}

#[test]
fn code_lengths_that_repeat() {
    // The order of lengths is 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1. Codes: 0 is 0, 1 is 100,
    // 16 is 101, 17 is 110, 18 is 111.
    let head = "1 2/2 0/5 0/5 14/4 3/3 3/3 3/3 1/3 0/3 0/3 0/3 0/3 0/3 0/3 0/3 0/3 0/3 0/3 0/3 0/3 0/3 3/3";
    let rows = [
        // 97 zeros as 138 at most, 3 at least; 'a'; 158 zeros; the end; a distance.
        ("runs of zeros", "111 86/7 100 111 127/7 111 9/7 100 0", "0 0 1", Some(&b"aa"[..])),
        ("a run goes on in the distances", "111 86/7 100 111 127/7 111 8/7 0 100 0", "0 0 1", Some(b"aa")),
        ("two zeros too many", "100 111 127/7 111 106/7 100 110 0/3", "0", None),
        ("zeros again", "0 101 3/2 111 76/7 0 0 0 100 111 127/7 111 9/7 100 0", "0 0 1", Some(b"aa")),
        ("nothing to repeat", "101 0/2", "", None),
        ("far too many", "111 127/7 111 127/7", "", None),
    ];
    for (name, lengths, body, expected) in rows {
        let text = format!("{head} {lengths} {body}");
        match expected {
            Some(expected) => accepts(&format!("3.2.7 {name}"), &text, expected),
            None => refuses(&format!("3.2.7 {name}"), &text),
        }
    }
}

#[test]
fn codes_for_code_lengths() {
    let rows = [
        ("too many", "0/4 1/3 1/3 1/3 0/3"),
        ("too few", "0/4 2/3 2/3 2/3 0/3"),
        ("one of one bit", "0/4 0/3 0/3 1/3 0/3"),
        ("none", "0/4 0/3 0/3 0/3 0/3"),
    ];
    for (name, lens) in rows {
        refuses(&format!("3.2.7 code lengths: {name}"), &format!("1 2/2 0/5 0/5 {lens}"));
    }
}
