//! The mixing of a mailbox into a transport, poll by poll, over a transport that takes what the
//! test says; in the task of the connection's handler and in another, which learn of mail by ways of
//! their own.

mod lending;

use std::convert::Infallible;
use std::task::Waker;

use bytes::Bytes;
use everbeat_core::cause::{CloseCode, Expired};

use super::*;
use crate::expire::Blocked;
use crate::registry::{Order, Record};
use crate::testing::{Somebody, record};

/// Takes so many messages until it is told to take more
#[derive(Debug, Default)]
struct Narrow {
    room: usize,
    taken: Vec<Outgoing>,
    flushes: u32,
    /// What was taken does not get out
    stuck: bool,
    incoming: Vec<Incoming>,
    /// It has nothing unsaid itself
    lends: bool,
    /// What it was told that others had written, and had left
    back: Vec<(u64, Option<Bytes>)>,
}

impl Transport for Narrow {
    type Error = Infallible;

    fn poll_recv(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, Infallible>>> {
        match self.incoming.pop() {
            Some(incoming) => Poll::Ready(Some(Ok(incoming))),
            None => Poll::Pending,
        }
    }

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.room == 0 {
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), Infallible> {
        if let Outgoing::Message(_) = outgoing {
            assert!(self.room > 0, "{outgoing:?} was given without room for it");
            self.room -= 1;
        }
        self.taken.push(outgoing);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.flushes += 1;
        if self.stuck { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn abort(self: Pin<&mut Self>) {}

    fn received(&self) -> u64 {
        0
    }

    fn sent(&self) -> u64 {
        7
    }

    fn release(self: Pin<&mut Self>) -> bool {
        true
    }

    fn lend(self: Pin<&mut Self>) -> bool {
        self.lends
    }

    fn take_back(mut self: Pin<&mut Self>, bytes: u64, left: Option<Bytes>) {
        self.back.push((bytes, left));
    }
}

/// Plays a scene with room for so many messages, as the handler's task and as another
fn wherever(room: usize, scene: impl Fn(&Record<Somebody>, &mut Handled<Narrow>)) {
    for at_home in [true, false] {
        println!("in the task of its handler: {at_home}");
        let mailbox = record(1_000, 1 << 20);
        let narrow = Narrow { room, ..Narrow::default() };
        let mut handled = Handled::new(narrow, mailbox.clone().any());
        let _here = at_home.then(|| mailbox.poll_told(&cx()));
        scene(&mailbox, &mut handled);
    }
}

type Polled<R> = Poll<Result<R, HandledError<Infallible>>>;

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn recv(handled: &mut Handled<Narrow>) -> Poll<Option<Result<Incoming, HandledError<Infallible>>>> {
    Pin::new(handled).poll_recv(&mut cx())
}

fn ready(handled: &mut Handled<Narrow>) -> Polled<()> {
    Pin::new(handled).poll_ready(&mut cx())
}

fn flush(handled: &mut Handled<Narrow>) -> Polled<()> {
    Pin::new(handled).poll_flush(&mut cx())
}

fn release(handled: &mut Handled<Narrow>) -> bool {
    Pin::new(handled).release()
}

fn send(handled: &mut Handled<Narrow>, text: &'static str) {
    let message = Outgoing::Message(text.into());
    Pin::new(handled).start_send(message).unwrap();
}

fn texts(handled: &Handled<Narrow>) -> Vec<String> {
    let taken = handled.inner.taken.iter();
    taken
        .map(|outgoing| match outgoing {
            Outgoing::Message(message) => message.to_string(),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn mail_goes_out_as_there_is_room_and_is_flushed() {
    wherever(1, |mailbox, handled| {
        assert!(recv(handled).is_pending());
        mailbox.put("a".into()).unwrap();
        mailbox.put("b".into()).unwrap();
        assert!(recv(handled).is_pending());
        assert_eq!((texts(handled), handled.inner.flushes), (vec!["a".to_owned()], 1));
        assert!(!release(handled), "it does not sleep on it");
        handled.inner.room = 1;
        assert!(recv(handled).is_pending());
        assert_eq!(texts(handled), ["a", "b"]);
        assert_eq!(handled.sent_aside(), 2);
        assert!(recv(handled).is_pending());
        assert_eq!(handled.inner.flushes, 2, "nothing is left to flush");
    });
}

#[test]
fn room_that_mail_took_is_made_up_for() {
    wherever(1, |mailbox, handled| {
        assert!(ready(handled).is_ready());
        mailbox.put("mail".into()).unwrap();
        assert!(recv(handled).is_pending());
        assert_eq!(texts(handled), ["mail"]);

        send(handled, "own");
        mailbox.put("later mail".into()).unwrap();
        assert_eq!(texts(handled), ["mail"], "kept until there is room");
        assert!(flush(handled).is_pending() && ready(handled).is_pending());
        handled.inner.room = 2;
        assert!(flush(handled).is_ready());
        assert_eq!(texts(handled), ["mail", "own", "later mail"]);
        assert!(ready(handled).is_pending());
    });
}

#[test]
fn a_message_of_its_own_that_is_held_goes_out_with_no_more_mail() {
    wherever(1, |mailbox, handled| {
        assert!(ready(handled).is_ready());
        mailbox.put("mail".into()).unwrap();
        assert!(recv(handled).is_pending());
        send(handled, "own");
        assert!(recv(handled).is_pending());
        assert_eq!(texts(handled), ["mail"]);
        assert!(!release(handled), "it does not sleep on it");
        handled.inner.room = 2;
        assert!(recv(handled).is_pending());
        assert_eq!(texts(handled), ["mail", "own"]);
        assert!(release(handled));
    });
}

#[test]
fn a_flood_of_mail_leaves_the_connection_its_turn() {
    wherever(usize::MAX, |mailbox, handled| {
        for _ in 0..200 {
            mailbox.put("mail".into()).unwrap();
        }
        handled.inner.incoming.push(Incoming::Ping("ping".into()));
        assert!(recv(handled).is_ready());
        assert_eq!(texts(handled).len(), MAIL_PER_POLL);
        for _ in 0..3 {
            assert!(recv(handled).is_pending());
        }
        assert_eq!(texts(handled).len(), 200);
    });
}

#[test]
fn an_order_comes_up_once_and_after_it_only_the_farewell_goes_out() {
    let orders = [
        (Order::expire(Expired::Evicted), Cause::Expired(Expired::Evicted), None),
        (Order::expire(Expired::TooOld), Cause::Expired(Expired::TooOld), None),
        (
            Order::close(CloseFrame::new(CloseCode(4_000), "bye")),
            Cause::ClosedByUs,
            Some(CloseFrame::new(CloseCode(4_000), "bye")),
        ),
    ];
    for (order, cause, words) in orders {
        wherever(1, |mailbox, handled| {
            mailbox.put("goes".into()).unwrap();
            mailbox.put("stays".into()).unwrap();
            mailbox.order(order.clone());
            let Poll::Ready(Some(Err(error))) = recv(handled) else {
                panic!("the order did not come up");
            };
            assert_eq!(Handled::<Narrow>::classify(&error), cause);
            assert_eq!(error.to_string(), cause.to_string());
            handled.inner.room = 10;
            mailbox.order(Order::expire(Expired::Evicted));
            assert!(recv(handled).is_pending());
            assert_eq!(Pin::new(&mut *handled).farewell(), words);
            assert_eq!(Pin::new(&mut *handled).farewell(), None, "asked once");
            let said = Outgoing::Close(Some(CloseCode::NORMAL.into()));
            Pin::new(&mut *handled).start_send(said.clone()).unwrap();
            assert!(flush(handled).is_ready());
            assert_eq!(handled.inner.taken, [Outgoing::Message("goes".into()), said]);
        });
    }
}

/// Polls until the order comes up; panics if it takes more polls than any mailbox is worth
fn ordered(handled: &mut Handled<Narrow>) -> Cause {
    for _ in 0..100 {
        if let Poll::Ready(Some(Err(error))) = recv(handled) {
            return Handled::<Narrow>::classify(&error);
        }
    }
    panic!("the order did not come up");
}

#[test]
fn an_order_waits_for_mail_that_only_waits_for_its_turn() {
    wherever(usize::MAX, |mailbox, handled| {
        let sent: Vec<_> = (0..100).map(|n| format!("mail {n}")).collect();
        for text in &sent {
            mailbox.put(text.clone().into()).unwrap();
        }
        mailbox.order(Order::close(CloseFrame::new(CloseCode(4_000), "bye")));
        assert!(recv(handled).is_pending(), "the connection's turn");
        assert_eq!(ordered(handled), Cause::ClosedByUs);
        assert_eq!(texts(handled), sent);
    });
}

#[test]
fn handles_that_go_on_sending_do_not_put_an_order_off() {
    wherever(usize::MAX, |mailbox, handled| {
        let flood = || (0..MAIL_PER_POLL + 1).for_each(|_| mailbox.put("mail".into()).unwrap());
        flood();
        mailbox.order(Order::expire(Expired::Evicted));
        for _ in 0..2 {
            if let Poll::Ready(Some(Err(_))) = recv(handled) {
                return;
            }
            flood();
        }
        panic!("put off");
    });
}

#[test]
fn an_order_reaches_a_connection_that_only_sends() {
    wherever(0, |mailbox, handled| {
        assert!(ready(handled).is_pending());
        mailbox.order(Order::shut_down(CloseCode::RESTART.into()));
        assert!(matches!(ready(handled), Poll::Ready(Err(_))));
    });
}

#[test]
fn after_a_close_orders_and_mail_are_moot() {
    wherever(10, |mailbox, handled| {
        handled.inner.incoming.push(Incoming::Close(None));
        assert!(recv(handled).is_ready());
        mailbox.put("late".into()).unwrap();
        mailbox.order(Order::expire(Expired::Evicted));
        assert!(recv(handled).is_pending());
        assert!(handled.inner.taken.is_empty());
    });
}

#[test]
fn a_write_is_blocked_from_the_try_that_finds_it_so_to_the_one_that_does_not() {
    wherever(0, |mailbox, handled| {
        assert_eq!(mailbox.blocked(), None);
        for tries in 1..=2 {
            assert!(ready(handled).is_pending());
            assert_eq!(mailbox.blocked(), Some(Blocked { sent: 7, tries }));
        }
        assert!(flush(handled).is_ready());
        assert_eq!(mailbox.blocked(), None);
    });
}

/// Nothing else would try again, for the connection does not know of it
#[test]
fn what_a_handle_sent_is_flushed_until_it_is_out_and_sent_once() {
    wherever(10, |mailbox, handled| {
        handled.inner.stuck = true;
        mailbox.put("a".into()).unwrap();
        for flushes in 1..=3 {
            assert!(recv(handled).is_pending());
            assert_eq!((texts(handled), handled.inner.flushes), (vec!["a".to_owned()], flushes));
        }
        mailbox.put("b".into()).unwrap();
        assert!(flush(handled).is_pending());
        assert_eq!(texts(handled), ["a", "b"], "there is room");
        assert!(!release(handled), "it does not sleep on it");
        handled.inner.stuck = false;
        let before = handled.inner.flushes;
        for _ in 0..3 {
            assert!(recv(handled).is_pending());
        }
        assert_eq!(handled.inner.flushes, before + 1, "out, and left alone");
        assert!(release(handled));
        assert_eq!((texts(handled).len(), handled.sent_aside()), (2, 2));
    });
}

#[test]
fn a_blocked_write_is_tried_when_somebody_asks_and_one_that_is_not_is_left_alone() {
    wherever(0, |mailbox, handled| {
        mailbox.nudge();
        assert!(recv(handled).is_pending());
        assert_eq!(handled.inner.flushes, 0, "nothing is blocked");
        assert!(ready(handled).is_pending() && recv(handled).is_pending());
        assert_eq!(handled.inner.flushes, 0, "nobody asks");
        mailbox.nudge();
        assert!(recv(handled).is_pending() && recv(handled).is_pending());
        assert_eq!((handled.inner.flushes, mailbox.blocked()), (1, None));
    });
}

#[test]
fn it_is_two_words_beside_its_transport() {
    assert_eq!(size_of::<Handled<[usize; 3]>>(), size_of::<[usize; 5]>());
}
