//! One message to a crowd: what it costs for each, counted; that all have the same bytes; who is woken
//! when; and what somebody who takes nothing holds.

#![expect(dead_code, unreachable_pub, reason = "the runtime is the documentation's")]

include!("support/runtime.in");

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use everbeat_core::transport::{Accept, Incoming, Outgoing, Transport};
use everbeat_core::{Message, Spawn};
use everbeat_server::{Expire, Limits, Registry, Server};
use peak_alloc::PeakAlloc;
use runtime::Stopped;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const CROWD: usize = 8_000;
const LARGE: usize = 64 << 10;
/// What a mailbox is that was used: a box, and room for one message
const EACH: usize = 128 + 48;

/// What all sockets do
#[derive(Default)]
struct Road {
    shut: Cell<bool>,
    taken: RefCell<Vec<Bytes>>,
}

struct Pipe(Rc<Road>);

impl Transport for Pipe {
    type Error = Infallible;
    fn poll_recv(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, Infallible>>> {
        Poll::Pending
    }
    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.0.shut.get() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), Infallible> {
        if let Outgoing::Message(message) = outgoing {
            self.0.taken.borrow_mut().push(message.as_bytes().clone());
        }
        Ok(())
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn abort(self: Pin<&mut Self>) {}
    fn received(&self) -> u64 {
        0
    }
}

struct Door(Rc<Road>, usize);

impl Accept for Door {
    type Transport = Pipe;
    type Facts = ();
    type Request = ();
    type Error = Infallible;
    type Upgrade = Ready<Result<(Pipe, (), ()), Infallible>>;

    fn poll_accept(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Result<Self::Upgrade, Infallible>> {
        self.1 += 1;
        if self.1 > CROWD {
            return Poll::Pending;
        }
        Poll::Ready(Ok(ready(Ok((Pipe(self.0.clone()), (), ())))))
    }
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

#[derive(Clone, Default)]
struct Tasks(Rc<RefCell<Vec<Task>>>);

impl<F: Future<Output = ()> + 'static> Spawn<F> for Tasks {
    fn spawn(&self, future: F) {
        self.0.borrow_mut().push(Box::pin(future));
    }
}

impl Tasks {
    fn poll_all(&self, cx: &mut Context<'_>) {
        let mut all = self.0.take();
        all.retain_mut(|task| task.as_mut().poll(cx).is_pending());
        all.append(&mut self.0.borrow_mut());
        self.0.replace(all);
    }
}

/// Counts wake-ups, and looks around at the first
#[derive(Default)]
struct Woken {
    count: AtomicUsize,
    registry: OnceLock<Registry<()>>,
    left_at_the_first: OnceLock<usize>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.count.fetch_add(1, Ordering::SeqCst);
        if let Some(registry) = self.registry.get() {
            // Under a lock this would not come back
            self.left_at_the_first.get_or_init(|| queued(registry).0);
        }
    }
}

/// How many connections have something waiting, and how many messages in all
fn queued(registry: &Registry<()>) -> (usize, usize) {
    let waiting = registry
        .handles()
        .into_iter()
        .map(|one| one.stats(everbeat_core::time::Instant::ORIGIN).queued);
    waiting.filter(|queued| *queued > 0).fold((0, 0), |(n, all), queued| (n + 1, all + queued))
}

fn large(byte: u8) -> Message {
    Message::from(vec![byte; LARGE])
}

#[test]
fn one_message_to_a_crowd_is_one_buffer_and_a_place_in_each_mailbox() {
    let (road, tasks, woken) = (Rc::<Road>::default(), Tasks::default(), Arc::<Woken>::default());
    let server = Server::over(Door(road.clone(), 0), Stopped, tasks.clone(), 7)
        .limits(Limits::default().queued(2, 1 << 20).queued_in_all(1 << 20))
        .expire(Expire::default().silent(None))
        .build()
        .unwrap();
    let registry = server.registry();
    let mut serving = pin!(server.serve(|mut connection| async move {
        while connection.recv().await?.is_some() {}
        Ok(())
    }));
    let waker = Waker::from(woken.clone());
    let cx = &mut Context::from_waker(&waker);
    while registry.len() < CROWD {
        assert!(serving.as_mut().poll(cx).is_pending());
        tasks.poll_all(cx);
    }
    tasks.poll_all(cx);
    road.taken.borrow_mut().reserve_exact(CROWD);
    _ = woken.registry.set(registry.clone());
    woken.count.store(0, Ordering::SeqCst);

    let idle = ALLOCATOR.current_usage();
    assert!(registry.send_all(large(1)).unwrap().is_empty());
    let waiting = ALLOCATOR.current_usage() - idle;
    let beyond = waiting.checked_sub(CROWD * EACH).expect("less than what was measured");
    assert!((LARGE..LARGE + 512).contains(&beyond), "{waiting} bytes, {beyond} beyond places");
    assert_eq!(woken.count.load(Ordering::SeqCst), CROWD, "each once");
    let first = woken.left_at_the_first.get().copied();
    assert!(first.is_some_and(|left| left >= CROWD / 32), "woken one by one: {first:?}");

    tasks.poll_all(cx);
    let taken = std::mem::take(&mut *road.taken.borrow_mut());
    assert_eq!(taken.len(), CROWD);
    assert!(taken.iter().all(|one| one.as_ptr() == taken[0].as_ptr()), "it was copied");
    drop(taken);
    // What is kept for the next message costs the next message nothing
    let used = ALLOCATOR.current_usage();
    assert!(registry.send_all(large(2)).unwrap().is_empty());
    let again = ALLOCATOR.current_usage() - used;
    assert!((LARGE..LARGE + 512).contains(&again), "{again} bytes for the second message");

    // Nobody takes it, so that a third and no fourth fits
    road.shut.set(true);
    tasks.poll_all(cx);
    assert!(registry.send_all(large(3)).unwrap().is_empty());
    let left = registry.send_all(large(4)).unwrap();
    assert_eq!((left.slow.len(), left.no_room.len()), (CROWD, 0));
    assert_eq!(queued(&registry), (CROWD, 2 * CROWD));

    // The same in pieces, between which others run
    road.shut.set(false);
    tasks.poll_all(cx);
    tasks.poll_all(cx);
    assert_eq!(queued(&registry), (0, 0));
    let mut broadcast = registry.broadcast(large(5));
    let (mut pieces, mut before) = (0, 0);
    let left = loop {
        let polled = Pin::new(&mut broadcast).poll(cx);
        let (reached, _) = queued(&registry);
        assert!(reached - before <= 256, "{before} to {reached} at a time");
        before = reached;
        match polled {
            Poll::Ready(left) => break left.unwrap(),
            Poll::Pending => pieces += 1,
        }
    };
    assert!(left.is_empty() && before == CROWD && pieces > 1, "{before} in {pieces} pieces");
}
