//! Reading a CSV file in which nothing is quoted: rows, numbers and codes.

use std::io::{Error, Result};

use rustc_hash::FxHashMap;

/// Bit i: is byte `at` + i a comma or a line end?
#[inline(always)]
fn separators(bytes: &[u8], at: usize) -> u64 {
    let mut rest = [0; 64];
    let block: &[u8; 64] = bytes[at..].first_chunk().unwrap_or_else(|| {
        rest[..bytes.len() - at].copy_from_slice(&bytes[at..]);
        &rest
    });
    // The compiler makes vector instructions of this line, and the multiplication
    // gathers eight bytes of 0 or 1 to eight bits.
    let hits = block.map(|byte| u8::from(byte == b',' || byte == b'\n'));
    hits.as_chunks::<8>().0.iter().rev().fold(0, |mask, part| {
        mask << 8 | u64::from_le_bytes(*part).wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}

/// The rows of a file, one at a time.
pub(super) struct Rows<'a> {
    bytes: &'a [u8],
    /// Where the next row begins.
    next: usize,
    /// Where the 64 bytes begin that `mask` is about.
    block: usize,
    /// Their separators that are not used up.
    mask: u64,
    /// Field i of the row is `starts[i]..starts[i + 1] - 1`.
    starts: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// The rows after the header, and where the wanted columns are.
    pub(super) fn new<const N: usize>(bytes: &'a [u8], want: &str) -> Result<(Self, [usize; N])> {
        let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let names: Vec<_> = header.split(|byte| *byte == b',').collect();
        let mut columns = [0; N];
        for (column, want) in columns.iter_mut().zip(want.split(' ')) {
            let place = names.iter().position(|name| *name == want.as_bytes());
            *column = place.ok_or_else(|| Error::other(format!("no column {want}")))?;
        }
        let starts = vec![0; names.len() + 1];
        let mut rows = Self { bytes, next: 0, block: 0, mask: separators(bytes, 0), starts };
        rows.advance()?;
        Ok((rows, columns))
    }

    /// Goes to the next row, if there is one.
    #[inline(always)]
    pub(super) fn advance(&mut self) -> Result<bool> {
        let (bytes, mut block, mut mask) = (self.bytes, self.block, self.mask);
        if self.next >= bytes.len() {
            return Ok(false);
        }
        let (mut end, uneven) = (self.next, || Error::other("not as many fields as columns"));
        self.starts[0] = end;
        for start in &mut self.starts[1..] {
            while mask == 0 {
                block += 64;
                if block >= bytes.len() {
                    return Err(uneven());
                }
                mask = separators(bytes, block);
            }
            end = block + mask.trailing_zeros() as usize + 1;
            *start = end;
            mask &= mask - 1;
        }
        (self.block, self.mask, self.next) = (block, mask, end);
        if bytes[end - 1] == b'\n' { Ok(true) } else { Err(uneven()) }
    }

    #[inline(always)]
    pub(super) fn field(&self, column: usize) -> &'a [u8] {
        &self.bytes[self.starts[column]..self.starts[column + 1] - 1]
    }

    #[inline(always)]
    pub(super) fn is_missing(&self, column: usize) -> bool {
        matches!(self.field(column), b"" | b"NA")
    }

    /// The last `len` bytes of a field (1 to 8) as the high bytes of an integer.
    /// There are eight bytes to read, for the header is before them.
    #[inline(always)]
    fn high(&self, column: usize, len: usize) -> u64 {
        let bytes = self.bytes[..self.starts[column + 1] - 1].last_chunk().copied();
        let shift = 64 - 8 * len;
        u64::from_le_bytes(bytes.unwrap_or_default()) >> shift << shift
    }

    /// A number; NaN where it is missing.
    #[inline(always)]
    pub(super) fn number(&self, column: usize) -> Result<f64> {
        let field = self.field(column);
        let is_negative = field.first() == Some(&b'-');
        let len = field.len() - usize::from(is_negative);
        if (1..=8).contains(&len) {
            let digits = self.high(column, len) ^ (0x3030_3030_3030_3030 << (64 - 8 * len));
            if (digits | digits.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0 == 0 {
                // Pairs of digits, then fours, then all eight.
                let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
                let pairs = pairs & 0x00ff_00ff_00ff_00ff;
                let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16);
                let fours = fours & 0x0000_ffff_0000_ffff;
                let all = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) as u32;
                return Ok(if is_negative { -f64::from(all) } else { f64::from(all) });
            }
        }
        other_number(field)
    }
}

#[cold]
fn other_number(field: &[u8]) -> Result<f64> {
    match str::from_utf8(field) {
        Ok("" | "NA") => Ok(f64::NAN),
        text => text.ok().and_then(|s| s.parse().ok()).ok_or(Error::other("not a number")),
    }
}

/// Codes as the numbers 0, 1, 2 and so on. Those of up to eight bytes are looked
/// up in a cache first.
pub(super) struct Codes<'a> {
    cache: Vec<(u64, usize)>,
    ids: FxHashMap<&'a [u8], usize>,
    pub(super) names: Vec<&'a [u8]>,
}

impl<'a> Codes<'a> {
    pub(super) fn new() -> Self {
        Self { cache: vec![(0, 0); 1024], ids: FxHashMap::default(), names: Vec::new() }
    }

    #[inline(always)]
    pub(super) fn id(&mut self, rows: &Rows<'a>, column: usize) -> usize {
        let len = rows.field(column).len();
        let key = if (1..=8).contains(&len) { rows.high(column, len) } else { 0 };
        let cached = &mut self.cache[(key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize];
        if key == 0 || cached.0 != key {
            let name = if rows.is_missing(column) { b"" } else { rows.field(column) };
            *cached = (key, *self.ids.entry(name).or_insert(self.names.len()));
            if cached.1 == self.names.len() {
                self.names.push(name);
            }
        }
        cached.1
    }
}
