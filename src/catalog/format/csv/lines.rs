//! Lines of text without quotes, cut into fields.

use super::row::Fields;

/// The lines of a text, one at a time. Each of them has an end, and there is no
/// carriage return but before a line end.
pub(super) struct Lines<'t> {
    separators: Separators<'t>,
    /// Where the next line begins.
    next: usize,
    /// How many line ends are yet to come.
    left: usize,
    /// Field i of the current line is `starts[i]..starts[i + 1] - 1`.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Lines of `width` fields.
    pub(super) fn new(text: &'t [u8], delimiter: u8, width: usize) -> Self {
        let left = memchr::memchr_iter(b'\n', text).count();
        let separators = Separators::new(text, delimiter);
        Self { separators, next: 0, left, starts: vec![0; width + 1] }
    }

    /// The most lines there can be that are not blank.
    pub(super) fn at_most(&self) -> usize {
        self.left.min(self.separators.bytes.len() / (self.starts.len() - 1).max(1))
    }

    /// Goes to the next line that is not blank, and says whether there is one.
    /// `None` if the lines are not all as wide as they should be: that may turn
    /// out no sooner than at the end.
    #[inline]
    pub(super) fn advance(&mut self) -> Option<bool> {
        let mut separators = self.separators;
        let bytes = separators.bytes;
        while let [b'\n', ..] | [b'\r', b'\n', ..] = bytes[self.next..] {
            self.next = separators.next()? + 1;
            self.left -= 1;
        }
        if self.next == bytes.len() {
            // If a line end is left, it was taken for a delimiter.
            return (self.left == 0).then_some(false);
        }
        let mut next = self.next;
        self.starts[0] = next;
        for start in &mut self.starts[1..] {
            next = separators.next()? + 1;
            *start = next;
        }
        match (&bytes[..next], self.starts.last_mut()) {
            ([.., b'\r', b'\n'], Some(end)) => *end -= 1,
            ([.., b'\n'], _) => {}
            _ => return None,
        }
        (self.separators, self.next) = (separators, next);
        self.left -= 1;
        Some(true)
    }
}

impl Fields for Lines<'_> {
    #[inline]
    fn field(&self, at: usize) -> &[u8] {
        &self.separators.bytes[self.starts[at]..self.starts[at + 1] - 1]
    }
}

/// Where the delimiters and the line ends are.
#[derive(Clone, Copy)]
struct Separators<'t> {
    bytes: &'t [u8],
    delimiter: u8,
    /// Where the 64 bytes begin that are looked at.
    block: usize,
    /// Bit i: their byte i is a separator, and yet to come.
    mask: u64,
}

impl<'t> Separators<'t> {
    fn new(bytes: &'t [u8], delimiter: u8) -> Self {
        let mut separators = Self { bytes, delimiter, block: 0, mask: 0 };
        separators.look();
        separators
    }

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        while self.mask == 0 {
            self.block += 64;
            if self.block >= self.bytes.len() {
                return None;
            }
            self.look();
        }
        let at = self.block + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        Some(at)
    }

    #[inline(always)]
    fn look(&mut self) {
        let mut rest = [0; 64];
        let bytes = &self.bytes[self.block..];
        let block: &[u8; 64] = bytes.first_chunk().unwrap_or_else(|| {
            rest[..bytes.len()].copy_from_slice(bytes);
            &rest
        });
        // The compiler makes vector instructions of this line, and the
        // multiplication gathers eight bytes of 0 or 1 to eight bits.
        let hits = block.map(|byte| u8::from(byte == self.delimiter || byte == b'\n'));
        self.mask = hits.as_chunks::<8>().0.iter().rev().fold(0, |mask, part| {
            mask << 8 | u64::from_le_bytes(*part).wrapping_mul(0x0102_0408_1020_4080) >> 56
        });
    }
}

#[cfg(test)]
mod tests;
