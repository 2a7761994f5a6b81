//! A TCP segment, as far as it matters when it passes.

/// What a packet of IPv4 carries
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) from: u16,
    pub(super) to: u16,
    pub(super) sequence: u32,
    pub(super) acknowledges: u32,
    /// Bytes
    pub(super) length: u32,
    pub(super) flags: Flags,
}

/// What a segment says besides
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const fn fin(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) const fn syn(self) -> bool {
        self.0 & 2 != 0
    }

    pub(super) const fn reset(self) -> bool {
        self.0 & 4 != 0
    }
}

impl Segment {
    /// None if it is no TCP over IPv4, or cut off: RFC 791, section 3.1, and RFC 9293, section 3.1
    pub(super) fn parse(packet: &[u8]) -> Option<Self> {
        let first = *packet.first()?;
        if first >> 4 != 4 || *packet.get(9)? != 6 {
            return None;
        }
        let head = usize::from(first & 15) * 4;
        let total = usize::from(two(packet, 2)?);
        let offset = usize::from(packet.get(head + 12)? >> 4) * 4;
        Some(Self {
            from: two(packet, head)?,
            to: two(packet, head + 2)?,
            sequence: four(packet, head + 4)?,
            acknowledges: four(packet, head + 8)?,
            length: u32::try_from(total.checked_sub(head + offset)?).ok()?,
            flags: Flags(*packet.get(head + 13)?),
        })
    }
}

/// Whether `a` is `b` or comes behind it, in numbers that begin anew
pub(super) const fn reaches(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) < 1 << 31
}

fn two(packet: &[u8], at: usize) -> Option<u16> {
    packet.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn four(packet: &[u8], at: usize) -> Option<u32> {
    packet.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 bytes of IPv4, 20 of TCP, and "hello"
    const HELLO: &[u8] = &[
        0x45, 0, 0, 45, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 99, 0, 1, 10, 99, 0, 2, //
        0x9c, 0x40, 0x23, 0x28, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 9, 0x50, 0x18, 0, 63, 0, 0, 0, 0,
        b'h', b'e', b'l', b'l', b'o',
    ];

    #[test]
    fn a_segment_is_read() {
        let segment = Segment::parse(HELLO).unwrap();
        assert_eq!((segment.from, segment.to), (40_000, 9_000));
        assert_eq!((segment.sequence, segment.length), (0xffff_fffe, 5));
        assert_eq!(segment.acknowledges, 9);
        let Flags(flags) = segment.flags;
        assert_eq!(flags, 0x18);
        assert!(!segment.flags.syn() && !segment.flags.fin() && !segment.flags.reset());
    }

    #[test]
    fn what_is_something_else_or_cut_off_is_none() {
        for length in 0..34 {
            assert_eq!(Segment::parse(&HELLO[..length]), None, "{length}");
        }
        for (at, byte) in [(0, 0x60), (9, 17), (3, 30)] {
            let mut packet = HELLO.to_vec();
            packet[at] = byte;
            assert_eq!(Segment::parse(&packet), None, "{at}");
        }
    }

    #[test]
    fn numbers_begin_anew() {
        assert!(reaches(3, 0xffff_fffe) && !reaches(0xffff_fffe, 3) && reaches(7, 7));
    }
}
