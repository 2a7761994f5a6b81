//! What a busy connection needs and an idle one does not, lent by the thread: read blocks, write
//! buffers, codecs, room for large messages. A connection gives back before it waits, so few serve many.

use std::cell::{Cell, RefCell};
use std::thread::LocalKey;

use async_tungstenite::tungstenite::protocol::WebSocketContext;
use bytes::{Bytes, BytesMut};

use crate::underway::Underway;

/// The size of a read block, in bytes: one read of a busy socket
pub(crate) const BLOCK: usize = 16 << 10;

/// The largest write buffer kept for the next connection, in bytes: one full of small messages, and
/// a fragment of the default size behind them
pub(crate) const LARGEST_KEPT: usize = 160 << 10;

/// The size of what small payloads are carved from, in bytes
pub(crate) const CHUNK: usize = 4 << 10;

/// How many of each are kept for each thread: more are only out at once while peers do not read
const KEPT: usize = 4;

/// A stack of things to lend
///
/// Its top lies apart: nearly always one is out at a time, and then a lending is two moves.
pub(crate) struct Pool<T> {
    top: Cell<Option<T>>,
    rest: RefCell<Vec<T>>,
}

impl<T> Pool<T> {
    const fn new() -> Self {
        Self { top: Cell::new(None), rest: RefCell::new(Vec::new()) }
    }

    /// Puts one below the top; one too many is handed back
    fn put_below(&self, thing: T) -> Option<T> {
        let mut rest = self.rest.borrow_mut();
        if rest.len() + 1 < KEPT {
            rest.push(thing);
            return None;
        }
        Some(thing)
    }
}

/// Lending and taking back; a thread that is ending lends nothing and keeps nothing
pub(crate) trait Lend<T> {
    fn lend(&'static self) -> Option<T>;
    fn take_back(&'static self, thing: T);
}

impl<T> Lend<T> for LocalKey<Pool<T>> {
    #[inline]
    fn lend(&'static self) -> Option<T> {
        self.try_with(|pool| pool.top.take().or_else(|| pool.rest.borrow_mut().pop()))
            .ok()
            .flatten()
    }

    #[inline]
    fn take_back(&'static self, thing: T) {
        // Whatever is not kept is dropped outside the borrow
        _ = self.try_with(|pool| {
            let below = pool.top.replace(Some(thing));
            below.and_then(|thing| pool.put_below(thing))
        });
    }
}

thread_local! {
    static BLOCKS: Pool<Box<[u8]>> = const { Pool::new() };
    static BUFFERS: Pool<Vec<u8>> = const { Pool::new() };
    static SHARED: RefCell<Option<BytesMut>> = const { RefCell::new(None) };
    static SPENT: Pool<Vec<u8>> = const { Pool::new() };
    static UNDERWAY: Pool<Box<Underway>> = const { Pool::new() };
    pub(crate) static CLIENT_CODECS: Pool<Box<WebSocketContext>> = const { Pool::new() };
    pub(crate) static SERVER_CODECS: Pool<Box<WebSocketContext>> = const { Pool::new() };
}

/// A block of [`BLOCK`] bytes; what they are does not matter
#[inline]
pub(crate) fn block() -> Box<[u8]> {
    BLOCKS.lend().unwrap_or_else(|| vec![0; BLOCK].into_boxed_slice())
}

#[inline]
pub(crate) fn give_block(block: Box<[u8]>) {
    BLOCKS.take_back(block);
}

/// An empty buffer, with capacity if one was left
pub(crate) fn buffer() -> Vec<u8> {
    BUFFERS.lend().unwrap_or_default()
}

pub(crate) fn give_buffer(mut buffer: Vec<u8>) {
    if (1..=LARGEST_KEPT).contains(&buffer.capacity()) {
        buffer.clear();
        BUFFERS.take_back(buffer);
    }
}

/// What a connection needs while something is under way
#[inline]
pub(crate) fn underway() -> Box<Underway> {
    UNDERWAY.lend().unwrap_or_default()
}

/// Takes it back, idle; its buffer stays with it, for the next one that writes
#[inline]
pub(crate) fn give_underway(mut underway: Box<Underway>) {
    if !underway.writing.is_worth_keeping() {
        underway.writing.give_buffer();
    }
    UNDERWAY.take_back(underway);
}

/// Room for a read that is to take a large frame at once, with what it was used for last in it
///
/// Lent with each read, those too that find nothing: what was one before is as it is to be.
#[inline(never)]
pub(crate) fn room(wanted: usize) -> Box<[u8]> {
    match SPENT.lend() {
        Some(room) if room.len() == room.capacity() && suits(&room, wanted) => room,
        _ => vec![0; wanted],
    }
    .into_boxed_slice()
}

/// As large as is wanted, and not twice that
#[inline]
fn suits(room: &Vec<u8>, wanted: usize) -> bool {
    (wanted..wanted.saturating_mul(2)).contains(&room.capacity())
}

/// Room for a large payload, if some is left that suits
///
/// What is in it does not matter.
pub(crate) fn spent(wanted: usize) -> Option<Vec<u8>> {
    if wanted < BLOCK {
        return None;
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    keep_heap();
    SPENT.lend().filter(|spent| suits(spent, wanted))
}

/// Keeps the heap's end between large messages, which come and go there
///
/// glibc gives it back to the kernel whenever 128 KiB of it are free, and takes it anew for the next
/// message, with page faults that cost as much as a third of all its time. The first block that was
/// large enough to be mapped apart raises that bound when it is freed, to twice its size
/// (`mallopt(3)`, `M_MMAP_THRESHOLD`): most programs have had one at some time, and this is it for
/// those that have not.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_heap() {
    const APART: usize = 512 << 10;
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(APART))));
}

/// Takes back the room of a large payload
///
/// The next large message finds it, and need not clear it first.
#[inline]
pub(crate) fn give_room(room: Vec<u8>) {
    if room.len() >= BLOCK && room.capacity() <= LARGEST_KEPT {
        SPENT.take_back(room);
    }
}

/// A copy of a payload; small ones are carved from a chunk that they share, which is taken anew once
/// they are all gone
#[inline]
pub(crate) fn carve(payload: &[u8]) -> Bytes {
    if payload.is_empty() || payload.len() > CHUNK {
        return Bytes::copy_from_slice(payload);
    }
    let carved = SHARED.try_with(|chunk| {
        let mut chunk = chunk.borrow_mut();
        let chunk = chunk.get_or_insert_with(|| BytesMut::with_capacity(CHUNK));
        chunk.extend_from_slice(payload);
        chunk.split().freeze()
    });
    carved.unwrap_or_else(|_| Bytes::copy_from_slice(payload))
}
