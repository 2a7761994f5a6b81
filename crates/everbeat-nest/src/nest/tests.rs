//! Real sockets on loopback, and turns made by hand: where something must come it is waited for, where
//! nothing may come nobody waits.

use std::fs::File;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::iter;
use std::net::TcpListener;
use std::pin::Pin;
use std::task::Wake;
use std::thread;

use futures_io::{AsyncRead, AsyncWrite};
use rustix::event::{PollFd, PollFlags, poll};

use super::*;
use crate::testing::Bell;

/// More than the kernel takes from who writes to a peer that does not read
const TOO_MUCH: usize = 64 << 20;

/// Ours, which does not block, and a peer that does
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let ours = listener.accept().unwrap().0;
    ours.set_nonblocking(true).unwrap();
    (ours, peer)
}

fn nested(nest: &Nest) -> (Nested, TcpStream) {
    let (ours, peer) = pair();
    (nest.adopt(ours).unwrap(), peer)
}

fn read(tcp: &mut Nested, bell: &Bell, room: usize) -> Poll<io::Result<Vec<u8>>> {
    let mut into = vec![0; room];
    let read = Pin::new(tcp).poll_read(&mut Context::from_waker(&bell.waker()), &mut into);
    read.map_ok(|count| into[..count].to_vec())
}

fn write(tcp: &mut Nested, bell: &Bell, bytes: &[u8]) -> Poll<io::Result<usize>> {
    Pin::new(tcp).poll_write(&mut Context::from_waker(&bell.waker()), bytes)
}

#[track_caller]
fn reads(tcp: &mut Nested, bell: &Bell, room: usize, expected: &[u8]) {
    assert!(matches!(read(tcp, bell, room), Poll::Ready(Ok(read)) if read == expected));
}

/// What is there, if anything is
fn turn(turns: &Turns) {
    while turns.turn().is_ok() {}
}

/// What must come, for which a runtime would wait
#[track_caller]
fn expect(turns: &Turns) {
    assert!(readable(turns, 10), "nothing comes");
    turn(turns);
}

fn readable(turns: &Turns, seconds: i64) -> bool {
    let patience = Timespec { tv_sec: seconds, tv_nsec: 0 };
    poll(&mut [PollFd::new(turns, PollFlags::IN)], Some(&patience)).unwrap() > 0
}

#[test]
fn who_found_nothing_is_woken_when_something_comes() {
    let (nest, turns) = Nest::new().unwrap();
    let ((mut tcp, mut peer), bell) = (nested(&nest), Bell::default());
    for round in 1..=20 {
        assert!(read(&mut tcp, &bell, 8).is_pending());
        turn(&turns);
        assert!(read(&mut tcp, &bell, 8).is_pending());
        peer.write_all(&[7; 11]).unwrap();
        // Not before the turn: nobody asks the kernel in vain.
        assert!(read(&mut tcp, &bell, 8).is_pending());
        assert_eq!(bell.rings(), round - 1);
        expect(&turns);
        assert_eq!(bell.rings(), round);
        reads(&mut tcp, &bell, 8, &[7; 8]);
        reads(&mut tcp, &bell, 8, &[7; 3]);
    }
}

#[test]
fn a_full_read_is_followed_by_another_without_a_turn() {
    let (nest, turns) = Nest::new().unwrap();
    let ((mut tcp, mut peer), bell) = (nested(&nest), Bell::default());
    peer.write_all(b"abcd").unwrap();
    expect(&turns);
    reads(&mut tcp, &bell, 2, b"ab");
    reads(&mut tcp, &bell, 2, b"cd");
    assert!(read(&mut tcp, &bell, 2).is_pending());
}

#[test]
fn the_end_is_seen_behind_what_came_before_it_and_again_and_again() {
    let (nest, turns) = Nest::new().unwrap();
    let ((mut tcp, mut peer), bell) = (nested(&nest), Bell::default());
    assert!(read(&mut tcp, &bell, 8).is_pending());
    turn(&turns);
    peer.write_all(b"bye").unwrap();
    drop(peer);
    while bell.rings() == 0 {
        expect(&turns);
    }
    // Less than there was room for, and still the end is read without another word of the kernel's
    reads(&mut tcp, &bell, 8, b"bye");
    reads(&mut tcp, &bell, 8, b"");
    reads(&mut tcp, &bell, 8, b"");
}

#[test]
fn who_could_not_write_is_woken_when_there_is_room() {
    let (nest, turns) = Nest::new().unwrap();
    let ((mut tcp, mut peer), inwards) = (nested(&nest), Bell::default());
    let outwards = Bell::default();
    assert!(read(&mut tcp, &inwards, 8).is_pending());
    let mut sent = 0;
    while let Poll::Ready(count) = write(&mut tcp, &outwards, &vec![7; 1 << 20]) {
        sent += count.unwrap();
        assert!(sent < TOO_MUCH);
    }
    turn(&turns);
    assert!(write(&mut tcp, &outwards, b"more").is_pending());
    let rings = outwards.rings();
    let mut heard = vec![0; sent];
    peer.read_exact(&mut heard).unwrap();
    while outwards.rings() == rings {
        expect(&turns);
    }
    assert_eq!(inwards.rings(), 0);
    assert!(matches!(write(&mut tcp, &outwards, b"more"), Poll::Ready(Ok(4))));
}

#[test]
fn whoever_is_gone_is_not_woken_and_his_place_is_the_nexts() {
    let (nest, turns) = Nest::new().unwrap();
    let bell = Bell::default();
    let (mut first, mut peer) = nested(&nest);
    assert!(read(&mut first, &bell, 8).is_pending());
    peer.write_all(b"late").unwrap();
    drop(first);
    assert_eq!(bell.holders(), 1);
    let mut crowd: Vec<_> = (0..600).map(|_| nested(&nest)).collect();
    for (tcp, _) in &mut crowd {
        assert!(read(tcp, &bell, 8).is_pending());
    }
    turn(&turns);
    assert_eq!((bell.rings(), nest.0.table().places()), (0, 3 * 256));
    // Everybody is found at his number.
    for (tcp, peer) in &mut crowd {
        let rings = bell.rings();
        peer.write_all(b"you").unwrap();
        expect(&turns);
        assert_eq!(bell.rings(), rings + 1);
        reads(tcp, &bell, 8, b"you");
    }
    crowd.drain(..300);
    crowd.extend((0..300).map(|_| nested(&nest)));
    assert_eq!(nest.0.table().places(), 3 * 256);
}

#[test]
fn turns_are_over_when_nobody_is_there_and_nobody_can_come() {
    let (nest, turns) = Nest::new().unwrap();
    let (bell, (tcp, _peer)) = (Bell::default(), nested(&nest));
    let waker = bell.waker();
    let cx = &Context::from_waker(&waker);
    drop(nest);
    assert!(turns.poll_over(cx).is_pending());
    assert_eq!(bell.rings(), 0);
    drop(tcp);
    assert_eq!(bell.rings(), 1);
    assert!(turns.poll_over(cx).is_ready());
}

#[test]
fn without_turns_nobody_waits_for_ever_and_nothing_is_left() {
    let (nest, turns) = Nest::new().unwrap();
    let ((mut tcp, _peer), bell) = (nested(&nest), Bell::default());
    let shared = Arc::downgrade(&nest.0);
    assert!(read(&mut tcp, &bell, 8).is_pending());
    drop(turns);
    assert_eq!(bell.rings(), 1);
    assert!(matches!(read(&mut tcp, &bell, 8), Poll::Ready(Err(_))));
    settles_alone(&nest, pair().0);
    drop((nest, tcp));
    assert_eq!(shared.strong_count(), 0);
}

#[test]
fn what_cannot_be_watched_lives_alone_and_takes_no_place() {
    let (nest, turns) = Nest::new().unwrap();
    // No epoll takes a file.
    let file = || TcpStream::from(OwnedFd::from(File::open("/proc/self/exe").unwrap()));
    for _ in 0..300 {
        settles_alone(&nest, file());
    }
    let crowd: Vec<_> = (0..256).map(|_| nested(&nest)).collect();
    assert_eq!(nest.0.table().places(), 256);
    drop((nest, crowd));
    assert!(turns.poll_over(&Context::from_waker(Waker::noop())).is_ready());
}

#[track_caller]
fn settles_alone(nest: &Nest, stream: TcpStream) {
    let mut came = None;
    let descriptor = stream.as_raw_fd();
    let settled = nest.settle(stream, |stream| {
        came = Some(stream.as_raw_fd());
        Ok(())
    });
    assert!(settled.is_ok());
    assert_eq!(came, Some(descriptor));
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("as was to be shown");
    }
}

#[test]
fn a_waker_that_panics_harms_nobody_else() {
    let (nest, turns) = Nest::new().unwrap();
    let mut crowd: Vec<_> = (0..3).map(|_| nested(&nest)).collect();
    let (bell, panics) = (Bell::default(), Waker::from(Arc::new(Panics)));
    for (nth, (tcp, _)) in crowd.iter_mut().enumerate() {
        let waker = if nth == 1 { panics.clone() } else { bell.waker() };
        let read = Pin::new(tcp).poll_read(&mut Context::from_waker(&waker), &mut [0; 8]);
        assert!(read.is_pending());
    }
    turn(&turns);
    for (_, peer) in &mut crowd {
        peer.write_all(b"now").unwrap();
    }
    while bell.rings() < 2 {
        expect(&turns);
    }
}

#[test]
fn who_always_finds_something_lets_others_run() {
    let (nest, _turns) = Nest::new().unwrap();
    let ((mut tcp, mut peer), bell) = (nested(&nest), Bell::default());
    peer.write_all(&[7; 1_000]).unwrap();
    let mut heard = 0;
    while heard < 1_000 {
        let rings = bell.rings();
        let calls = iter::repeat_with(|| read(&mut tcp, &bell, 1));
        let found = calls.take_while(|read| matches!(read, Poll::Ready(Ok(read)) if read == &[7]));
        let found = found.take(1_000 - heard).count();
        assert!(found <= 128);
        heard += found;
        // It is woken for what it left.
        assert!(heard == 1_000 || bell.rings() == rings + 1);
    }
}

/// Waits as long as the descriptor has nothing, as a runtime does with it
fn wait_for_level(turns: &Turns) -> bool {
    readable(turns, 1)
}

/// No wake-up is lost, no byte either, whoever waits for the descriptor and however
#[test]
fn threads_hear_of_everything() {
    crowd_talks(wait_for_level);
}

/// As tokio watches it: told once, and not again before something else comes
#[test]
fn threads_hear_of_everything_by_edges() {
    let outer = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let mut added = false;
    crowd_talks(move |turns| {
        if !added {
            let (data, edges) = (epoll::EventData::new_u64(0), epoll::EventFlags::ET);
            epoll::add(&outer, turns, data, epoll::EventFlags::IN | edges).unwrap();
            added = true;
        }
        let mut room = [const { MaybeUninit::uninit() }; 1];
        let patience = Timespec { tv_sec: 1, tv_nsec: 0 };
        let (events, _) = epoll::wait(&outer, &mut room, Some(&patience)).unwrap();
        !events.is_empty()
    });
}

/// A thread for each end and one for the turns, which are made only when `wait` has heard of something
fn crowd_talks(mut wait: impl FnMut(&Turns) -> bool) {
    const CROWD: usize = 8;
    const BYTES: usize = 300_000;
    let (nest, turns) = Nest::new().unwrap();
    let crowd: Vec<_> = (0..CROWD).map(|_| nested(&nest)).collect();
    drop(nest);
    thread::scope(|scope| {
        for (seed, (mut tcp, peer)) in crowd.into_iter().enumerate() {
            let (mut says, mut hears) = (peer.try_clone().unwrap(), peer);
            scope.spawn(move || {
                let message = vec![seed as u8; BYTES];
                let mut rng = fastrand::Rng::with_seed(seed as u64);
                let mut rest = &message[..];
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(rng.usize(1..=rest.len().min(9_000)));
                    says.write_all(now).unwrap();
                    rest = later;
                }
                says.shutdown(std::net::Shutdown::Write).unwrap();
            });
            scope.spawn(move || {
                let mut all = Vec::new();
                hears.read_to_end(&mut all).unwrap();
                assert_eq!(all, vec![seed as u8; BYTES]);
            });
            // Says back what it hears, in other pieces
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(!(seed as u64));
                async_io::block_on(async {
                    loop {
                        let mut into = vec![0; rng.usize(1..9_000)];
                        let count = poll_fn(|cx| Pin::new(&mut tcp).poll_read(cx, &mut into));
                        let count = count.await.unwrap();
                        if count == 0 {
                            break;
                        }
                        let mut rest = &into[..count];
                        while !rest.is_empty() {
                            let count = poll_fn(|cx| Pin::new(&mut tcp).poll_write(cx, rest));
                            rest = &rest[count.await.unwrap()..];
                        }
                    }
                    poll_fn(|cx| Pin::new(&mut tcp).poll_close(cx)).await.unwrap();
                });
            });
        }
        let over = Bell::default();
        while turns.poll_over(&Context::from_waker(&over.waker())).is_pending() {
            if wait(&turns) {
                turn(&turns);
            }
        }
    });
}
