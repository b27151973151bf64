//! Decides how a picture becomes a PNG file, with nothing but this file: the crates that do it switch on features of
//! shared dependencies, which would compile burn anew for a picture.
//!
//! It must never lose a dot: the format's own checksums are tested with an independent reader.

/// Encodes red, green and blue bytes, row by row (PNG, third edition; W3C, 2025).
pub(super) fn encode(width: u32, height: u32, dots: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    // Eight bits a channel, true colour, and the only method there is of compression, filters and order.
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut file, b"IHDR", &header);
    chunk(&mut file, b"IDAT", &zlib(&filtered(width as usize * 3, dots)));
    chunk(&mut file, b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend(kind);
    file.extend(data);
    let sum = crc32(&file[start..]);
    file.extend(sum.to_be_bytes());
}

/// Each row as its difference to the row above ("up"): most rows of a chart become zeros.
fn filtered(stride: usize, dots: &[u8]) -> Vec<u8> {
    let mut rows = Vec::with_capacity(dots.len() + dots.len() / stride.max(1));
    let mut above = vec![0; stride];
    for row in dots.chunks(stride.max(1)) {
        rows.push(2);
        rows.extend(row.iter().zip(&above).map(|(dot, above)| dot.wrapping_sub(*above)));
        above.copy_from_slice(row);
    }
    rows
}

/// Bits in the order of deflate: the lowest of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// A Huffman code, which goes in from its highest bit.
    fn code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }

    /// A literal byte or a length, in deflate's fixed code.
    fn symbol(&mut self, symbol: u32) {
        match symbol {
            0..=143 => self.code(0x30 + symbol, 8),
            144..=255 => self.code(0x190 + symbol - 144, 9),
            256..=279 => self.code(symbol - 256, 7),
            _ => self.code(0xC0 + symbol - 280, 8),
        }
    }
}

/// Shortest and longest repetition that deflate can name.
const RUN: std::ops::RangeInclusive<usize> = 3..=258;
/// How far back a repetition is looked for: one dot.
const BACK: usize = 3;

/// A zlib stream (RFC 1950 and 1951) that only knows repetitions of the dot before.
fn zlib(data: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    // One last block with the fixed code.
    bits.push(0b011, 3);
    let mut at = 0;
    while at < data.len() {
        let same = |ahead: &usize| at >= BACK && data.get(at + ahead) == data.get(at + ahead - BACK);
        let longest = (*RUN.end()).min(data.len() - at);
        let run = (0..longest).take_while(same).count();
        if RUN.contains(&run) {
            length(&mut bits, run as u32);
            // Distance 3 has number 2 and no further bits.
            bits.code(2, 5);
            at += run;
        } else {
            bits.symbol(u32::from(data[at]));
            at += 1;
        }
    }
    bits.symbol(256);
    let mut stream = vec![0x78, 0x01];
    stream.extend(bits.bytes);
    stream.extend(adler32(data).to_be_bytes());
    stream
}

/// A length from 3 to 258: a symbol for its range, then bits for its place in it.
fn length(bits: &mut Bits, length: u32) {
    match length {
        258 => bits.symbol(285),
        3..=10 => bits.symbol(254 + length),
        _ => {
            // From 11 on, four ranges have one bit, the next four two, and so on, each as wide as its bits say.
            let offset = length - 3;
            let extra = offset.ilog2() - 2;
            bits.symbol(257 + 4 * extra + (offset >> extra));
            bits.push(offset & ((1 << extra) - 1), extra);
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg()))
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    b << 16 | a
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
    use proptest::prelude::*;

    /// Unpacks with another implementation, which also compares the checksum.
    fn unpack(stream: &[u8], length: usize) -> Vec<u8> {
        let mut out = vec![0; length + 1];
        let flags = inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER
            | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
            | inflate_flags::TINFL_FLAG_COMPUTE_ADLER32;
        let (status, read, written) = decompress(&mut DecompressorOxide::new(), stream, &mut out, 0, flags);
        assert_eq!(format!("{status:?}"), "Done");
        assert_eq!((read, written), (stream.len(), length));
        out.truncate(length);
        out
    }

    /// The dots of a file made by [`encode`].
    pub(in super::super) fn decode(file: &[u8]) -> (usize, usize, Vec<u8>) {
        assert!(file.starts_with(b"\x89PNG\r\n\x1a\n"));
        let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().expect("four bytes")) as usize;
        let (width, height) = (number(16), number(20));
        let packed = number(33);
        assert_eq!(&file[37..41], b"IDAT");
        let rows = unpack(&file[41..41 + packed], height * (width * 3 + 1));
        let mut dots: Vec<u8> = Vec::new();
        for row in rows.chunks(width * 3 + 1) {
            assert_eq!(row[0], 2);
            for (at, difference) in row[1..].iter().enumerate() {
                let above = dots.len().checked_sub(width * 3).map_or(0, |_| dots[dots.len() - width * 3]);
                assert!(at < width * 3);
                dots.push(above.wrapping_add(*difference));
            }
        }
        (width, height, dots)
    }

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b"IEND"), 0xAE42_6082);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    #[test]
    fn every_length_of_a_run_survives() {
        for run in 0..600 {
            let data = [&[1, 2, 3][..], &vec![7; run], &[9]].concat();
            assert_eq!(unpack(&zlib(&data), data.len()), data, "{run}");
        }
    }

    proptest! {
        #[test]
        fn a_picture_decodes_to_its_dots(
            width in 1_usize..20,
            dots in prop::collection::vec(prop::sample::select(vec![0_u8, 1, 143, 144, 255]), 1..40),
            height in 1_usize..20,
        ) {
            let dots: Vec<u8> = dots.into_iter().cycle().take(width * height * 3).collect();
            let file = encode(width as u32, height as u32, &dots);
            prop_assert_eq!(decode(&file), (width, height, dots));
        }
    }
}
