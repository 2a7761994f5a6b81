//! What is known of one socket: what it is ready for, and who waits for it.
//!
//! Readiness is edge-triggered, as a guess that is taken back: a socket is taken to be ready until a
//! system call says that it is not. What a call has found is only noted if the kernel has told nothing
//! since before the call.

use std::io::Write;
use std::mem;
use std::net::TcpStream;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::task::{Context, Poll, Waker};

/// One socket's place in the table
///
/// One after the other may have it; each has a generation of its own, so that what was told of one is
/// not believed of the next.
#[derive(Debug, Default)]
// As long as a line of the processor's cache, and on one
#[repr(align(64))]
pub(crate) struct Place {
    /// [`Ready`] bits, how often the kernel has told something, and the generation
    state: AtomicU64,
    /// Whose place it is; nobody holds it while he waits for anything
    socket: RwLock<Option<TcpStream>>,
    wakers: Mutex<Wakers>,
}

type Wakers = [Option<Waker>; 2];

/// What is waited for
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

impl Way {
    const ALL: [Self; 2] = [Self::In, Self::Out];
}

/// What the kernel tells
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ready(u64);

impl Ready {
    /// Behind it comes nothing, and a read that takes less than it could says nothing about the next
    const LAST: u64 = 4;

    pub(crate) const fn new(inwards: bool, outwards: bool, last: bool) -> Self {
        let last = if last { Self::LAST } else { 0 };
        Self(inwards as u64 | (outwards as u64) << 1 | last)
    }

    const fn has(self, way: Way) -> bool {
        self.0 & (1 << way as u64) != 0
    }
}

/// A look at a place: what was found there is noted for it and for nothing later
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look(u64);

impl Look {
    /// Whether there may be more than one call has taken, although it could have taken more
    pub(crate) const fn is_last(self) -> bool {
        self.0 & Ready::LAST != 0
    }
}

/// One more time that the kernel told something
const A_TIME: u64 = 1 << 8;
const TIMES: u64 = 0x00ff_ff00;
const GENERATION: u32 = 32;

impl Place {
    /// Whose it is now; he is taken to be ready for everything
    pub(crate) fn begin(&self) -> u32 {
        let generation = self.generation().wrapping_add(1);
        let ready = Ready::new(true, true, false);
        self.state.store(u64::from(generation) << GENERATION | ready.0, Release);
        generation
    }

    /// The socket that has this place
    pub(crate) fn settle(&self, socket: TcpStream) {
        *self.socket.write().unwrap_or_else(PoisonError::into_inner) = Some(socket);
    }

    /// The socket that has this place, for as long as a call takes
    pub(crate) fn socket(&self) -> RwLockReadGuard<'_, Option<TcpStream>> {
        self.socket.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the socket out, once nobody is in a call on it
    pub(crate) fn leave(&self) -> Option<TcpStream> {
        self.socket.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Writes for somebody else than the owner, without waiting; how much was taken
    pub(crate) fn pass(&self, bytes: &[u8]) -> usize {
        let guard = self.socket();
        let Some(mut socket) = guard.as_ref() else { return 0 };
        socket.write(bytes).unwrap_or(0)
    }

    /// Nobody's any more; who waited, for either way, comes back, to be dropped or woken without a lock
    pub(crate) fn end(&self) -> impl Iterator<Item = Waker> {
        mem::take(&mut *self.lock()).into_iter().flatten()
    }

    fn generation(&self) -> u32 {
        (self.state.load(Acquire) >> GENERATION) as u32
    }

    /// Waits until this way is worth a system call
    pub(crate) fn poll(&self, way: Way, cx: &Context<'_>) -> Poll<Look> {
        if let look @ Poll::Ready(_) = self.look(way) {
            return look;
        }
        let mut wakers = self.lock();
        let waker = &mut wakers[way as usize];
        let old = match waker {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            _ => waker.replace(cx.waker().clone()),
        };
        drop(wakers);
        // Might run anybody's code
        drop(old);
        // What was told before the waker was there has woken nobody.
        self.look(way)
    }

    fn look(&self, way: Way) -> Poll<Look> {
        let state = self.state.load(Acquire);
        if Ready(state).has(way) { Poll::Ready(Look(state)) } else { Poll::Pending }
    }

    /// A call has found that this way is not ready, unless something was told since the look
    pub(crate) fn found_nothing(&self, way: Way, look: Look) {
        let without = look.0 & !(1 << way as u64);
        // If it fails somebody knows more, and the next call finds out.
        _ = self.state.compare_exchange(look.0, without, AcqRel, Acquire);
    }

    /// The kernel tells something of this generation; who is to be woken for it goes to `woken`
    pub(crate) fn tell(&self, generation: u32, ready: Ready, woken: &mut Vec<Waker>) {
        let told = |state: u64| {
            let times = state.wrapping_add(A_TIME) & TIMES;
            let same = (state >> GENERATION) as u32 == generation;
            same.then_some(state & !TIMES | times | ready.0)
        };
        if self.state.fetch_update(AcqRel, Acquire, told).is_ok() {
            let mut wakers = self.lock();
            let ways = Way::ALL.into_iter().filter(|&way| ready.has(way));
            woken.extend(ways.filter_map(|way| wakers[way as usize].take()));
        }
    }

    /// No step leaves them half-changed, so a panic of another thread is no reason to stop.
    fn lock(&self) -> MutexGuard<'_, Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::hint;
    use std::sync::atomic::{AtomicU32, AtomicUsize};
    use std::thread;

    use super::*;
    use crate::testing::Bell;

    const IN: Ready = Ready::new(true, false, false);
    const OUT: Ready = Ready::new(false, true, false);

    fn poll(place: &Place, way: Way, bell: &Bell) -> Option<Look> {
        match place.poll(way, &Context::from_waker(&bell.waker())) {
            Poll::Ready(look) => Some(look),
            Poll::Pending => None,
        }
    }

    fn tell(place: &Place, generation: u32, ready: Ready) {
        let mut woken = Vec::new();
        place.tell(generation, ready, &mut woken);
        woken.into_iter().for_each(Waker::wake);
    }

    fn not_ready(place: &Place) {
        for way in Way::ALL {
            if let Poll::Ready(look) = place.look(way) {
                place.found_nothing(way, look);
            }
        }
    }

    #[test]
    fn whoever_waits_is_woken_for_what_he_waits_for() {
        let (place, inwards, outwards) = (Place::default(), Bell::default(), Bell::default());
        let generation = place.begin();
        not_ready(&place);
        assert!(poll(&place, Way::In, &inwards).is_none());
        assert!(poll(&place, Way::Out, &outwards).is_none());
        tell(&place, generation, OUT);
        assert_eq!((inwards.rings(), outwards.rings()), (0, 1));
        tell(&place, generation, IN);
        assert_eq!((inwards.rings(), outwards.rings()), (1, 1));
        assert!(poll(&place, Way::In, &inwards).is_some());
        // Nobody waits any more.
        tell(&place, generation, IN);
        assert_eq!(inwards.rings(), 1);
    }

    #[test]
    fn the_last_who_asks_is_woken() {
        let (place, first, second) = (Place::default(), Bell::default(), Bell::default());
        let generation = place.begin();
        not_ready(&place);
        assert!(poll(&place, Way::In, &first).is_none());
        assert!(poll(&place, Way::In, &second).is_none());
        tell(&place, generation, IN);
        assert_eq!((first.rings(), second.rings()), (0, 1));
    }

    #[test]
    fn what_is_told_during_a_call_is_not_taken_back_by_it() {
        let (place, bell) = (Place::default(), Bell::default());
        let generation = place.begin();
        let look = poll(&place, Way::In, &bell).unwrap();
        // The call finds nothing; before that is noted, something comes.
        tell(&place, generation, IN);
        place.found_nothing(Way::In, look);
        let look = poll(&place, Way::In, &bell).unwrap();
        place.found_nothing(Way::In, look);
        assert!(poll(&place, Way::In, &bell).is_none());
    }

    #[test]
    fn what_was_told_of_one_is_not_believed_of_the_next() {
        let (place, bell) = (Place::default(), Bell::default());
        let first = place.begin();
        drop(place.end());
        assert_ne!(place.begin(), first);
        not_ready(&place);
        assert!(poll(&place, Way::In, &bell).is_none());
        tell(&place, first, Ready::new(true, true, true));
        assert_eq!(bell.rings(), 0);
        assert!(poll(&place, Way::In, &bell).is_none());
    }

    #[test]
    fn nobody_is_woken_for_who_has_gone() {
        let (place, bell) = (Place::default(), Bell::default());
        let generation = place.begin();
        not_ready(&place);
        assert!(poll(&place, Way::In, &bell).is_none());
        drop(place.end());
        tell(&place, generation, IN);
        assert_eq!((bell.rings(), bell.holders()), (0, 1));
    }

    #[test]
    fn what_is_told_while_somebody_comes_to_wait_is_not_lost() {
        const ROUNDS: usize = 50_000;
        let (place, bell, generation) = (Place::default(), Bell::default(), AtomicU32::new(0));
        let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut lost = 0;
        let reach = |count: &AtomicUsize, all| {
            count.fetch_add(1, AcqRel);
            for spins in 1_u32.. {
                if count.load(Acquire) >= all {
                    break;
                }
                // Both at once is what is wanted; who has one processor is not to wait for it.
                if spins % 1_000 == 0 { thread::yield_now() } else { hint::spin_loop() }
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    reach(&begun, 2 * round);
                    tell(&place, generation.load(Acquire), IN);
                    reach(&ended, 2 * round);
                }
            });
            for round in 1..=ROUNDS {
                generation.store(place.begin(), Release);
                not_ready(&place);
                let rings = bell.rings();
                reach(&begun, 2 * round);
                let found = poll(&place, Way::In, &bell).is_some();
                reach(&ended, 2 * round);
                lost += usize::from(!found && bell.rings() == rings);
                drop(place.end());
            }
        });
        assert_eq!(lost, 0, "of {ROUNDS}");
    }

    #[test]
    fn the_last_is_remembered() {
        let (place, bell) = (Place::default(), Bell::default());
        let generation = place.begin();
        assert!(!poll(&place, Way::In, &bell).unwrap().is_last());
        tell(&place, generation, Ready::new(true, false, true));
        assert!(poll(&place, Way::In, &bell).unwrap().is_last());
        not_ready(&place);
        tell(&place, generation, IN);
        assert!(poll(&place, Way::In, &bell).unwrap().is_last());
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_place_is_64_bytes() {
        assert_eq!(size_of::<Place>(), 64);
    }
}
