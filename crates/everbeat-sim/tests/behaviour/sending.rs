//! Tasks that do nothing but send: what they send drives the beat, the verdict and the way back, and
//! what they do not read is never held against a healthy peer.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_core::client::Queue;
use everbeat_core::config::ConnectionConfig;
use everbeat_core::halves::split;
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_core::{Cause, Connection, Event};
use everbeat_sim::{Sim, Stop, for_each_seed};
use futures_core::Stream;
use futures_sink::Sink;

use crate::support::clients::{builder, connected, ends, serve, with_an_unread_end};
use crate::support::{MS, SECOND, beat, beatless, both, drive, messages, read_and_stay, with_peer};

#[test]
fn a_task_that_only_sends_beats_and_expires_a_silent_peer() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").delay(20 * MS);
        let config = beat(10 * SECOND, 5 * SECOND);
        let (mut client, server) = with_peer(sim, config);
        let heard = read_and_stay(sim, server);
        let handle = sim.handle();
        let task = sim.spawn(async move {
            loop {
                if let Err(cause) = client.send("tick").await {
                    return (handle.now(), cause);
                }
                handle.sleep(SECOND).await;
            }
        });
        sim.run_for(100 * SECOND).unwrap();
        assert!(!task.is_finished(), "{:?}", task.take());
        let is_ping = |(_, incoming): &(_, Incoming)| matches!(incoming, Incoming::Ping(_));
        let pings = heard.borrow().iter().filter(|heard| is_ping(heard)).count();
        // A Pong is read half a timeout later, with the message after that: the silence begins then.
        assert!((7..=12).contains(&pings), "{pings} Pings in 100 s");
        let cut = sim.now();
        sim.link("client", "server").partition();
        sim.run_for(60 * SECOND).unwrap();
        let Some((at, cause)) = task.take() else { panic!("it goes on for ever") };
        assert!(matches!(cause, Cause::Dead { .. }), "{cause}");
        let took = at.saturating_duration_since(cut);
        // Interval and timeout, each noticed with the next message; what was heard last may have
        // been read with a message half a timeout after it came.
        assert!(took <= (10 + 1 + 5 + 1 + 3 + 1) * SECOND, "{took:?}");
    });
}

#[test]
fn a_client_that_only_sends_comes_back() {
    for_each_seed(0..10, |sim| {
        let server = serve(sim);
        let plan = builder(sim).queue(Queue::bounded(4, 1_000).or_wait());
        let mut client = connected(sim, plan);
        let handle = sim.handle();
        sim.spawn(async move {
            loop {
                client.send("tick").await.unwrap();
                handle.sleep(SECOND / 4).await;
            }
        });
        sim.run_for(20 * SECOND).unwrap();
        server.abort();
        sim.run_for(60 * SECOND).unwrap();
        let heard = listen_once(sim);
        sim.run_for(20 * SECOND).unwrap();
        assert!(heard.is_finished(), "nothing was sent after the server came back");
    });
}

/// Ends with the first message of the first connection
fn listen_once(sim: &Sim) -> everbeat_sim::Task<()> {
    let mut listener = sim.listen("server");
    sim.spawn(async move {
        let (mut pipe, _) = listener.accept().await;
        while let Some(Ok(incoming)) = pipe.next().await {
            if matches!(incoming, Incoming::Message(_)) {
                return;
            }
        }
        panic!("the client left without a message");
    })
}

#[test]
fn a_waiting_sender_with_a_message_unread_notices_the_black_hole_and_comes_back() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").buffer(500);
        serve(sim);
        let plan = builder(sim).queue(Queue::bounded(2, 1_000).or_wait());
        let mut client = connected(sim, plan);
        // The echo fills both ways, for nobody reads it; then the road is gone.
        sim.handle().after(5 * SECOND, {
            let link = sim.link("client", "server");
            move || link.partition()
        });
        sim.handle().after(30 * SECOND, {
            let link = sim.link("client", "server");
            move || link.repair()
        });
        let sent = sim.block_on(
            async {
                for _ in 0..100 {
                    client.send(vec![7; 400]).await?;
                }
                Ok::<_, everbeat_core::client::SendError>(())
            },
            // Echoes that nobody reads let a connection take a few messages; death takes 3 s more.
            600 * SECOND,
        );
        match sent {
            Ok(sent) => sent.unwrap(),
            // Healthy, and the server waits for us to read: that is back-pressure, not a hang.
            Err(error) => {
                assert!(matches!(error.stop(), Stop::TimedOut { .. }), "{error}");
                assert!(client.connection().is_some(), "neither connected nor trying");
            }
        }
        let causes = ends(&drive(sim, &mut client, SECOND));
        assert!(matches!(causes[..], [Cause::Dead { .. }, ..]), "{causes:?}");
    });
}

#[test]
fn a_client_closes_as_a_sink_although_a_message_is_unread() {
    for_each_seed(0..10, |sim| {
        serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        sim.block_on(client.send("echo"), SECOND).unwrap().unwrap();
        // The echo is read ahead while the flush waits for nothing.
        sim.run_for(SECOND).unwrap();
        sim.block_on(client.send("more"), SECOND).unwrap().unwrap();
        let closed = poll_fn(|cx| Pin::new(&mut client).poll_close(cx));
        sim.block_on(closed, 10 * SECOND).unwrap().unwrap();
        assert_eq!(client.outcome(), Some(&Cause::ClosedByUs));
    });
}

#[test]
fn what_is_sent_while_the_reader_pauses_is_flushed_and_no_healthy_peer_dies() {
    for_each_seed(0..10, |sim| {
        sim.link("client", "server").delay(20 * MS).rate(100_000).buffer(4_000);
        let config = beat(5 * SECOND, 2 * SECOND);
        let (client, mut server) = both(sim, config, ConnectionConfig::server());
        let (sender, receiver, pump) = split(client, Queue::bounded(1_024, 8 << 20));
        let pump = sim.spawn(pump);
        let heard = sim.spawn(async move {
            for _ in 0..100 {
                server.send("unread").await?;
            }
            let heard = server.recv().await?;
            server.recv().await?;
            Ok::<_, Cause>(heard.map_or(0, |message| message.len()))
        });
        sim.run_for(SECOND).unwrap();
        sender.try_send(vec![7; 1_000_000]).unwrap();
        // 10 s on the road; nobody reads, and each of its frames needs the pump to write it.
        sim.run_for(60 * SECOND).unwrap();
        assert!(!pump.is_finished(), "the healthy peer was given up: {:?}", heard.take());
        sender.try_send("done").unwrap();
        sim.run_for(SECOND).unwrap();
        assert_eq!(heard.take(), Some(Ok(1_000_000)));
        drop((sender, receiver));
    });
}

#[test]
fn a_close_returns_although_64_events_are_unread_in_the_same_task() {
    let mut sim = Sim::seed(1);
    let config = ConnectionConfig::client();
    let (client, mut server) = both(&sim, config, ConnectionConfig::server());
    let (sender, mut receiver, pump) = split(client, Queue::default());
    sim.spawn(pump);
    sim.spawn(async move {
        for _ in 0..1_000 {
            server.send("unread").await?;
        }
        server.recv().await
    });
    sim.run_for(60 * SECOND).unwrap();
    let read = sim.block_on(
        async move {
            sender.close().await;
            let mut read = Vec::new();
            while let Some(event) = receiver.next().await {
                read.push(event);
            }
            read
        },
        20 * SECOND,
    );
    let read = read.unwrap();
    assert!(matches!(read.last(), Some(Event::Disconnected(_))), "{:?}", read.last());
    assert!((64..70).contains(&read.len()), "{} events", read.len());
}

#[test]
fn a_close_after_the_end_tells_the_true_cause() {
    let mut sim = Sim::seed(1);
    let (mut client, _peer) = with_peer(&sim, ConnectionConfig::client());
    sim.link("client", "server").reset();
    let cause = sim.block_on(client.recv(), SECOND).unwrap().unwrap_err();
    let end = sim.block_on(client.close(), SECOND).unwrap();
    assert_eq!(end.cause, cause);

    let mut client = builder(&sim).build().unwrap();
    let events = drive(&mut sim, &mut client, 10 * SECOND);
    let cause = crate::support::the_end(&events).1.cause.clone();
    let end = sim.block_on(client.close(), SECOND).unwrap();
    assert_eq!(end.cause, cause);
}

#[test]
fn a_flush_ends_when_all_is_written_although_the_peer_says_nothing() {
    let mut sim = Sim::seed(1);
    let mut listener = sim.listen("server");
    let peer = sim.spawn(async move {
        let (mut pipe, _) = listener.accept().await;
        let mut heard = 0;
        while let Some(Ok(_)) = pipe.next().await {
            heard += 1;
        }
        heard
    });
    // Everything is taken at once: no room that is made, no beat and no answer polls it again.
    sim.link("client", "server").delay(20 * MS);
    let plan = everbeat_core::Client::over(sim.connector("server"), sim.timer(), 1)
        .heartbeat(false)
        .retry_first(true);
    let mut client = plan.build().unwrap();
    for _ in 0..5 {
        let sent = poll_fn(|cx| {
            let mut client = Pin::new(&mut client);
            ready!(client.as_mut().poll_ready(cx)).unwrap();
            Poll::Ready(client.start_send(vec![7; 1_000].into()))
        });
        sim.block_on(sent, SECOND).unwrap().unwrap();
        let flushed = poll_fn(|cx| Pin::new(&mut client).poll_flush(cx));
        sim.block_on(flushed, SECOND).unwrap().unwrap();
    }
    drop(client);
    sim.run_for(SECOND).unwrap();
    assert_eq!(peer.take(), Some(5));
}

#[test]
fn a_flush_returns_although_64_messages_are_unread_and_the_connection_is_gone() {
    let mut sim = Sim::seed(1);
    let mut listener = sim.listen("server");
    let handle = sim.handle();
    sim.spawn(async move {
        // Each connection brings one more message that nobody reads.
        loop {
            let (mut pipe, _) = listener.accept().await;
            _ = pipe.send(Outgoing::Message("unread".into())).await;
            handle.sleep(SECOND / 10).await;
        }
    });
    let plan = builder(&sim).retry_first(true);
    let mut client = plan.build().unwrap();
    let mut flushes = 0;
    // It sinks and never reads, through far more connections than it may bring up.
    while flushes < 200 {
        sim.block_on(
            poll_fn(|cx| {
                let mut client = Pin::new(&mut client);
                ready!(client.as_mut().poll_ready(cx)).unwrap();
                Poll::Ready(client.start_send("out".into()))
            }),
            60 * SECOND,
        )
        .unwrap()
        .unwrap();
        sim.block_on(poll_fn(|cx| Pin::new(&mut client).poll_flush(cx)), 60 * SECOND)
            .unwrap()
            .unwrap();
        sim.run_for(SECOND).unwrap();
        flushes += 1;
    }
    let events = drive(&mut sim, &mut client, SECOND);
    let unread = messages(&events).len();
    assert!((64..70).contains(&unread), "{unread} messages were kept");
}

#[test]
fn what_waited_for_room_goes_on_its_way_without_another_poll() {
    let mut sim = Sim::seed(1);
    let mut listener = sim.listen("server");
    let arrived = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = arrived.clone();
    sim.spawn(async move {
        let (mut pipe, _) = listener.accept().await;
        while let Some(Ok(incoming)) = pipe.next().await {
            count.set(count.get() + u32::from(matches!(incoming, Incoming::Message(_))));
        }
    });
    let plan = builder(&sim).queue(Queue::bounded(1, 1_000).or_wait());
    let mut client = sim.block_on(plan.connect(), SECOND).unwrap().unwrap();
    client.try_send("fills the queue").unwrap();
    sim.block_on(client.send("waits for room"), SECOND).unwrap().unwrap();
    // Nobody polls the client any more.
    sim.run_for(SECOND).unwrap();
    assert_eq!(arrived.get(), 2);
}

#[test]
fn a_close_that_was_given_up_has_forgotten_nothing() {
    let mut sim = Sim::seed(1);
    let mut client = with_an_unread_end(&mut sim);
    sim.run_for(5 * SECOND).unwrap();
    // It is connected again; the close takes a round trip, and is dropped after its first poll.
    let connect = poll_fn(|cx| Pin::new(&mut client).poll_flush(cx));
    sim.block_on(connect, 10 * SECOND).unwrap().unwrap();
    {
        let mut close = pin!(client.close());
        let once = poll_fn(|cx| Poll::Ready(close.as_mut().poll(cx).is_pending()));
        assert!(sim.block_on(once, SECOND).unwrap(), "the close was over at once");
    }
    let events = drive(&mut sim, &mut client, 30 * SECOND);
    let (_, end) = crate::support::the_end(&events);
    assert_eq!(end.unconfirmed.count, 1, "{end}");
}

/// A peer that has said its words and reset the connection: they can be read, nothing can be written
struct Reset(std::collections::VecDeque<Incoming>);

impl Transport for Reset {
    type Error = std::io::Error;

    fn poll_recv(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, Self::Error>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, _: Outgoing) -> Result<(), Self::Error> {
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn abort(mut self: Pin<&mut Self>) {
        self.0.clear();
    }

    fn received(&self) -> u64 {
        0
    }
}

#[test]
fn what_the_peer_said_before_a_reset_is_read_however_the_failed_write_is_met() {
    let too_big = CloseFrame::from(CloseCode(1_009));
    for many in [1, 64, 100] {
        let mut words = vec![Incoming::Ping(vec![1].into())];
        words.extend((0..many).map(|number: u32| Incoming::Message(number.to_string().into())));
        words.push(Incoming::Close(Some(too_big.clone())));
        let mut sim = Sim::seed(1);
        let config = ConnectionConfig::client();
        let mut client = Connection::new(Reset(words.into()), sim.timer(), config, 1);
        let mut messages = 0;
        let cause = sim.block_on(
            async {
                loop {
                    match client.recv().await {
                        Ok(Some(_)) => messages += 1,
                        other => break other,
                    }
                }
            },
            SECOND,
        );
        assert!(
            matches!(&cause, Ok(Err(Cause::Closed { code: CloseCode(1_009), .. }))),
            "{cause:?} after {messages}"
        );
        assert_eq!(messages, many);
    }
}

/// Polls `driven` whenever it is woken; the most clock reads of any single poll
fn most_reads<D: Stream<Item = Event> + Sink<everbeat_core::Message> + Unpin>(
    sim: &mut Sim,
    timer: &everbeat_sim::SimTimer,
    driven: &mut D,
    duration: Duration,
    mut each: impl FnMut(&mut D, &mut Context<'_>),
) -> u64 {
    let (mut most, mut polls) = (0, 0);
    let mut watched = pin!(poll_fn(|cx| -> Poll<()> {
        loop {
            let before = timer.clock_reads();
            each(driven, cx);
            most = most.max(timer.clock_reads() - before);
            let before = timer.clock_reads();
            let next = Pin::new(&mut *driven).poll_next(cx);
            most = most.max(timer.clock_reads() - before);
            polls += 1;
            if !matches!(next, Poll::Ready(Some(_))) {
                return Poll::Pending;
            }
        }
    }));
    match sim.block_on(watched.as_mut(), duration) {
        Err(error) if matches!(error.stop(), Stop::TimedOut { .. }) => {}
        other => panic!("{other:?}"),
    }
    assert!(polls > 100, "{polls} polls");
    most
}

#[test]
fn no_poll_of_a_client_reads_the_clock_twice() {
    for_each_seed(0..3, |sim| {
        let timer = sim.timer();
        sim.link("client", "server").rate(5_000).buffer(500);
        let server = serve(sim);
        let plan =
            everbeat_core::Client::over(sim.connector("server"), timer.clone(), sim.random())
                .interval(SECOND)
                .timeout(SECOND)
                .retry_first(true);
        let mut client = plan.build().unwrap();
        sim.handle().after(10 * SECOND, move || server.abort());
        // Blocked by a slow road, then alone, then blocked again
        let most = most_reads(sim, &timer, &mut client, 20 * SECOND, |client, cx| {
            if Pin::new(&mut *client).poll_ready(cx).is_ready() {
                _ = Pin::new(&mut *client).start_send(vec![7; 700].into());
            }
        });
        assert!(most <= 1, "{most} reads in a poll");
    });
}

#[test]
fn no_poll_of_a_blocked_connection_reads_the_clock_twice() {
    for_each_seed(0..3, |sim| {
        let timer = sim.timer();
        sim.link("client", "server").rate(5_000).buffer(500);
        let (one, other) = sim.pipe("client", "server");
        let config = beat(SECOND, SECOND);
        let mut client = Connection::new(one, timer.clone(), config, sim.random());
        let mut echo = Connection::new(other, sim.timer(), ConnectionConfig::server(), 1);
        sim.spawn(async move {
            while let Ok(Some(message)) = echo.recv().await {
                echo.send(message).await?;
            }
            Ok::<_, Cause>(())
        });
        let most = most_reads(sim, &timer, &mut client, 20 * SECOND, |client, cx| {
            if Pin::new(&mut *client).poll_ready(cx).is_ready() {
                _ = Pin::new(&mut *client).start_send(vec![7; 700].into());
            }
        });
        assert!(most <= 1, "{most} reads in a poll");
    });
}

/// On executors that take no turn back by themselves
#[test]
fn a_task_that_only_sends_lets_others_run() {
    let mut sim = Sim::seed(1);
    let (mut connection, _peer) = with_peer(&sim, beatless());
    let sends = sim.spawn(async move {
        for _ in 0..1_000 {
            connection.send("x").await.unwrap();
        }
    });
    serve(&sim);
    let plan = builder(&sim);
    let mut client = connected(&mut sim, plan);
    let queues = sim.spawn(async move {
        for _ in 0..1_000 {
            client.send("x").await.unwrap();
        }
    });
    sim.run_for(SECOND).unwrap();
    for task in [sends, queues] {
        assert!(task.is_finished());
        assert_eq!(task.polls(), 1 + 999 / 64);
    }
}

/// And loses nothing by it, though the send was given up just then
#[test]
fn a_send_given_up_while_others_run_took_nothing() {
    let sim = Sim::seed(1);
    let (mut connection, _peer) = with_peer(&sim, beatless());
    let mut sent = 0;
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..1_000 {
        sent += u64::from(pin!(connection.send("x")).poll(&mut cx).is_ready());
    }
    assert_eq!(sent, 1_000 - 1_000 / 65);
    let each = {
        let (mut other, _peer) = with_peer(&sim, beatless());
        assert!(pin!(other.send("x")).poll(&mut cx).is_ready());
        other.transport().sent()
    };
    assert_eq!(connection.transport().sent(), sent * each);
}
