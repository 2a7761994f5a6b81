//! When its socket is lent, and that it is taken back before anything is written there.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use everbeat_core::Message;
use everbeat_core::time::Instant;
use everbeat_core::transport::{Hatch, Hatches};

use super::*;
use crate::registry::Registry;
use crate::testing::rules;

/// Has room for so many bytes
struct Paper {
    room: AtomicUsize,
    written: Mutex<Vec<u8>>,
}

impl Hatches for Paper {
    fn frame(&self, message: &Message) -> Option<Bytes> {
        Some(Bytes::copy_from_slice(message.as_bytes()))
    }

    fn pass(&self, _: u8, frame: &[u8]) -> usize {
        let taken = frame.len().min(self.room.load(Ordering::Relaxed));
        self.room.fetch_sub(taken, Ordering::Relaxed);
        self.written.lock().unwrap().extend_from_slice(&frame[..taken]);
        taken
    }
}

struct Scene {
    paper: Arc<Paper>,
    registry: Registry<()>,
    handled: Handled<Narrow>,
}

impl Scene {
    fn new(room: usize) -> Self {
        let paper = Arc::new(Paper { room: AtomicUsize::new(room), written: Mutex::default() });
        let registry = Registry::new(rules(100, 1_000));
        let hatch = Hatch::new(paper.clone(), 0);
        let handle = registry.join((), Instant::ORIGIN, Some(hatch));
        let narrow = Narrow { room: 10, lends: true, ..Narrow::default() };
        let handled = Handled::new(narrow, handle.record().clone().any());
        Self { paper, registry, handled }
    }

    fn lend(&mut self) -> bool {
        Pin::new(&mut self.handled).lend()
    }

    fn to_many(&self, text: &'static str) {
        assert!(self.registry.send_all(text).unwrap().is_empty());
    }

    fn written(&self) -> String {
        String::from_utf8(self.paper.written.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn whatever_writes_takes_the_socket_back_first() {
    type Way = fn(Pin<&mut Handled<Narrow>>);
    let ways: [(&str, Way); 7] = [
        ("recv", |it| assert!(it.poll_recv(&mut cx()).is_pending())),
        ("ready", |it| assert!(it.poll_ready(&mut cx()).is_ready())),
        ("a Ping", |it| it.start_send(Outgoing::Ping([0; 8])).unwrap()),
        ("a Close", |it| it.start_send(Outgoing::Close(None)).unwrap()),
        ("flush", |it| assert!(it.poll_flush(&mut cx()).is_ready())),
        ("close", |it| assert!(it.poll_close(&mut cx()).is_ready())),
        ("abort", |it| it.abort()),
    ];
    for (what, way) in ways {
        let mut scene = Scene::new(100);
        assert!(scene.lend(), "{what}");
        scene.to_many("a");
        assert_eq!((scene.written().as_str(), scene.handled.sent()), ("a", 8), "{what}");
        way(Pin::new(&mut scene.handled));
        assert_eq!(scene.handled.inner.back, [(1, None)], "{what}");
        scene.to_many("b");
        assert_eq!(scene.written(), "a", "{what}");
    }
    let Scene { paper, registry, mut handled } = Scene::new(100);
    assert!(Pin::new(&mut handled).lend());
    drop(handled);
    assert!(registry.send_all("a").unwrap().is_empty());
    assert!(paper.written.lock().unwrap().is_empty(), "there is no socket any more");
}

#[test]
fn nobody_is_lent_a_socket_for_which_something_waits() {
    let mut scene = Scene::new(100);
    scene.handled.inner.lends = false;
    assert!(!scene.lend(), "the transport knows of something");
    scene.handled.inner.lends = true;

    scene.handled.inner.room = 0;
    scene.to_many("mail");
    assert!(recv(&mut scene.handled).is_pending());
    assert!(!scene.lend(), "mail that has no room");
    scene.handled.inner.room = 2;
    scene.handled.inner.stuck = true;
    assert!(recv(&mut scene.handled).is_pending());
    assert!(!scene.lend(), "mail that does not get out");
    scene.handled.inner.stuck = false;
    assert!(flush(&mut scene.handled).is_ready());
    assert!(scene.lend());

    send(&mut scene.handled, "own");
    send(&mut scene.handled, "held");
    assert!(!scene.lend(), "its own, which has no room");
    scene.handled.inner.room = 2;
    assert!(ready(&mut scene.handled).is_ready() && flush(&mut scene.handled).is_ready());
    assert!(scene.lend());
    Pin::new(&mut scene.handled).start_send(Outgoing::Close(None)).unwrap();
    assert!(!scene.lend(), "nothing goes behind a Close");
    assert_eq!((scene.written().as_str(), texts(&scene.handled).len()), ("", 4));

    let mailbox = record(1, 1);
    let narrow = Narrow { lends: true, ..Narrow::default() };
    let mut handled = Handled::new(narrow, mailbox.any());
    assert!(!Pin::new(&mut handled).lend(), "there is no way to it");
}

#[test]
fn what_is_left_of_a_frame_is_given_to_the_transport_and_flushed() {
    let mut scene = Scene::new(3);
    assert!(scene.lend());
    scene.to_many("frame");
    scene.to_many("next");
    assert!(recv(&mut scene.handled).is_pending());
    assert_eq!(scene.handled.inner.back, [(3, Some(Bytes::from_static(b"me")))]);
    assert_eq!((texts(&scene.handled), scene.handled.inner.flushes), (vec!["next".into()], 1));
    let mut scene = Scene::new(3);
    assert!(scene.lend());
    scene.to_many("frame");
    scene.handled.inner.stuck = true;
    assert!(recv(&mut scene.handled).is_pending());
    assert_eq!(scene.handled.inner.flushes, 1, "although nothing else waits");
    assert!(!scene.lend() && !release(&mut scene.handled));
}
