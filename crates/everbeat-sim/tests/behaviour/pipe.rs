//! The pipe, held to `Transport`'s contract, and every switch of the link below it.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use everbeat_core::cause::{Cause, CloseCode, CloseFrame, Cut};
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_sim::net::PipeError;
use everbeat_sim::{Link, Pipe, Sim, for_each_seed};

use crate::support::pipes::{at, big, flush, give, read, ready, recv, said, text};
use crate::support::{MS, SECOND};

/// Long, but not so long that a kernel gives up
const LONG: Duration = Duration::from_secs(600);

fn setup() -> (Sim, Link, Pipe, Pipe) {
    crate::support::pipes::setup(10 * MS)
}

#[test]
fn a_message_arrives_after_the_delay_in_both_directions() {
    let (mut sim, _, mut client, mut server) = setup();
    assert!(give(&mut client, Outgoing::Message(text("hi"))).is_ready());
    assert!(give(&mut server, Outgoing::Message(text("ho"))).is_ready());
    sim.run_until(at(9)).unwrap();
    assert_eq!((read(&mut client), read(&mut server)), (vec![], vec![]));
    sim.run_until(at(10)).unwrap();
    assert_eq!(read(&mut server), [said(text("hi"))]);
    assert_eq!(read(&mut client), [said(text("ho"))]);
}

#[test]
fn nothing_is_written_before_a_flush() {
    let (mut sim, _, mut client, mut server) = setup();
    Pin::new(&mut client).start_send(Outgoing::Message(text("hi"))).unwrap();
    sim.run_until(at(100)).unwrap();
    assert_eq!((client.sent(), read(&mut server)), (0, vec![]));
}

#[test]
fn bytes_are_counted_as_rfc_6455_frames_them() {
    let (mut sim, link, mut client, mut server) = setup();
    link.buffer(1 << 20);
    for (size, header) in [(5, 2), (126, 4), (65_536, 10)] {
        let before = (client.sent(), server.sent());
        assert!(give(&mut client, Outgoing::Message(big(size))).is_ready());
        assert!(give(&mut server, Outgoing::Message(big(size))).is_ready());
        let size = size as u64;
        assert_eq!(client.sent() - before.0, header + 4 + size, "a client masks");
        assert_eq!(server.sent() - before.1, header + size);
    }
    sim.run_until(at(10)).unwrap();
    assert_eq!((read(&mut client).len(), read(&mut server).len()), (3, 3));
    assert_eq!((server.received(), client.received()), (client.sent(), server.sent()));
}

#[test]
fn a_ping_is_answered_when_the_end_is_polled_and_not_before() {
    let (mut sim, _, mut client, mut server) = setup();
    assert!(give(&mut client, Outgoing::Ping(*b"12345678")).is_ready());
    sim.run_until(at(50)).unwrap();
    assert_eq!(read(&mut client), []);
    assert_eq!(read(&mut server), [Incoming::Ping(Bytes::from_static(b"12345678"))]);
    sim.run_until(at(60)).unwrap();
    assert_eq!(read(&mut client), [Incoming::Pong(Bytes::from_static(b"12345678"))]);
}

#[test]
fn a_mute_end_answers_neither_ping_nor_close() {
    let (mut sim, link, mut client, mut server) = setup();
    link.to("server").mute();
    assert!(give(&mut client, Outgoing::Ping([0; 8])).is_ready());
    assert!(give(&mut client, Outgoing::Close(None)).is_ready());
    sim.run_until(at(10)).unwrap();
    assert_eq!(read(&mut server).len(), 2, "it reads all the same");
    sim.run_until(at(100)).unwrap();
    assert_eq!((read(&mut client), server.sent()), (vec![], 0));
}

#[test]
fn a_ping_goes_between_the_frames_of_a_big_message() {
    let (mut sim, _, mut client, mut server) = setup();
    assert!(give(&mut client, Outgoing::Message(big(200_000))).is_pending());
    assert!(give(&mut client, Outgoing::Ping([1; 8])).is_pending());
    let mut order = Vec::new();
    for step in 1..20 {
        sim.run_until(at(10 * step)).unwrap();
        order.extend(read(&mut server));
        _ = flush(&mut client);
    }
    assert_eq!(order, [Incoming::Ping(vec![1; 8].into()), said(big(200_000))]);
}

#[test]
fn one_message_at_a_time_and_only_when_ready() {
    let (_sim, _, mut client, _server) = setup();
    assert!(ready(&mut client).is_ready());
    assert!(give(&mut client, Outgoing::Message(big(100_000))).is_pending());
    assert!(ready(&mut client).is_pending());
    let error = Pin::new(&mut client).start_send(Outgoing::Message(text("more")));
    assert_eq!(error, Err(PipeError::NotReady));
}

#[test]
fn a_held_way_keeps_what_enters_and_what_had_left_arrives() {
    let (mut sim, link, mut client, mut server) = setup();
    assert!(give(&mut client, Outgoing::Message(text("before"))).is_ready());
    link.to("server").hold();
    assert!(give(&mut client, Outgoing::Message(text("during"))).is_ready());
    assert!(give(&mut server, Outgoing::Message(text("back"))).is_ready());
    sim.run_until(at(500)).unwrap();
    assert_eq!(read(&mut server), [said(text("before"))]);
    assert_eq!(read(&mut client), [said(text("back"))], "the other way is open");
    link.release();
    sim.run_until(at(510)).unwrap();
    assert_eq!(read(&mut server), [said(text("during"))]);
}

#[test]
fn a_cut_swallows_for_ever_what_enters_and_new_connections_are_fine() {
    let (mut sim, link, mut client, mut server) = setup();
    link.to("server").cut();
    assert!(give(&mut client, Outgoing::Message(text("lost"))).is_ready());
    assert!(give(&mut server, Outgoing::Message(text("heard"))).is_ready());
    link.release();
    link.repair();
    sim.run_until(at(500)).unwrap();
    assert_eq!((read(&mut server), server.received()), (vec![], 0));
    assert_eq!(read(&mut client), [said(text("heard"))]);
    let (mut fresh, mut peer) = sim.pipe("client", "server");
    assert!(give(&mut fresh, Outgoing::Message(text("hi"))).is_ready());
    sim.run_until(at(510)).unwrap();
    assert_eq!(read(&mut peer), [said(text("hi"))]);
}

#[test]
fn a_black_hole_takes_a_buffer_full_and_then_blocks() {
    let (mut sim, link, mut client, _server) = setup();
    link.buffer(1_000).cut();
    assert!(give(&mut client, Outgoing::Message(big(900))).is_ready());
    assert!(give(&mut client, Outgoing::Message(big(200))).is_pending());
    sim.run_for(LONG).unwrap();
    assert!(flush(&mut client).is_pending());
    assert_eq!(client.sent(), 1_000);
}

#[test]
fn a_stalled_reader_blocks_the_writer_until_it_resumes() {
    let (mut sim, link, mut client, mut server) = setup();
    link.to("server").stall();
    let writer = sim.spawn(async move {
        for _ in 0..6 {
            client.send(Outgoing::Message(big(40_000))).await.unwrap();
        }
        client
    });
    let reader = sim.spawn(async move {
        for _ in 0..6 {
            server.next().await.unwrap().unwrap();
        }
    });
    sim.run_for(LONG).unwrap();
    assert!(!writer.is_finished() && !reader.is_finished());
    link.resume();
    sim.run_for(SECOND).unwrap();
    assert!(writer.is_finished() && reader.is_finished());
}

#[test]
fn an_end_that_nobody_polls_stops_the_sender_after_64_kib_in_each_kernel() {
    let (mut sim, _, mut client, mut server) = setup();
    assert!(give(&mut client, Outgoing::Message(big(150_000))).is_pending());
    sim.run_for(LONG).unwrap();
    assert!(flush(&mut client).is_pending());
    sim.run_for(LONG).unwrap();
    assert_eq!((client.sent(), server.received()), (128 << 10, 0));
    assert!(recv(&mut server).is_pending());
    assert_eq!(server.received(), 64 << 10);
    // The client hears of the room, what it holds travels, and it hears that it has arrived.
    sim.run_for(29 * MS).unwrap();
    assert!(flush(&mut client).is_pending());
    sim.run_for(MS).unwrap();
    assert!(flush(&mut client).is_ready());
}

#[test]
fn a_slow_message_is_heard_in_its_middle_and_delivered_at_its_last_byte() {
    let (mut sim, link, mut client, mut server) = setup();
    link.delay(Duration::ZERO).rate(1_000);
    assert!(give(&mut client, Outgoing::Message(big(9_992))).is_ready());
    let mut heard = 0;
    for tenth in 1..100 {
        sim.run_until(at(100 * tenth)).unwrap();
        assert!(recv(&mut server).is_pending(), "at {:?}", sim.now());
        assert!(server.received() > heard);
        heard = server.received();
    }
    sim.run_until(at(10_000)).unwrap();
    assert_eq!(read(&mut server), [said(big(9_992))]);
    assert_eq!(server.received(), 10_000);
}

#[test]
fn jitter_delays_by_chance_and_never_changes_the_order() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").delay(10 * MS).jitter(50 * MS);
        let (mut client, mut server) = sim.pipe("client", "server");
        let handle = sim.handle();
        sim.spawn(async move {
            for number in 0..50_u8 {
                client.send(Outgoing::Message(vec![number].into())).await.unwrap();
                handle.sleep(MS).await;
            }
        });
        for number in 0..50_u8 {
            let next = sim.block_on(server.next(), 61 * MS).unwrap();
            assert_eq!(next, Some(Ok(said(vec![number].into()))));
        }
        assert!(sim.now() > at(49 + 10) && sim.now() <= at(49 + 60));
    });
}

#[test]
fn a_reset_reaches_both_ends_after_the_delay_also_through_a_cut() {
    let (mut sim, link, mut client, mut server) = setup();
    link.cut();
    link.reset();
    sim.run_until(at(9)).unwrap();
    assert!(recv(&mut client).is_pending());
    sim.run_until(at(10)).unwrap();
    for pipe in [&mut client, &mut server] {
        assert_eq!(recv(pipe), Poll::Ready(Some(Err(PipeError::Reset))));
        assert_eq!(flush(pipe), Poll::Ready(Err(PipeError::Reset)));
    }
    let cause = Pipe::classify(&PipeError::Reset);
    assert!(matches!(cause, Cause::Cut { how: Cut::Reset, .. }), "{cause}");
}

#[test]
fn a_reset_does_not_wait_for_what_is_slow_to_come() {
    let (mut sim, link, mut client, mut server) = setup();
    link.rate(1_000);
    assert!(give(&mut client, Outgoing::Message(big(10_000))).is_ready());
    sim.run_until(at(500)).unwrap();
    link.reset();
    sim.run_until(at(510)).unwrap();
    assert_eq!(recv(&mut server), Poll::Ready(Some(Err(PipeError::Reset))));
    sim.run_for(LONG).unwrap();
    assert!(server.received() < 1_000);
}

#[test]
fn the_end_of_one_half_comes_after_all_that_is_on_its_way() {
    let (mut sim, link, mut client, mut server) = setup();
    assert!(give(&mut server, Outgoing::Message(text("last words"))).is_ready());
    link.to("client").end();
    sim.run_until(at(10)).unwrap();
    assert_eq!(recv(&mut client), Poll::Ready(Some(Ok(said(text("last words"))))));
    assert_eq!(recv(&mut client), Poll::Ready(None));
    assert!(give(&mut client, Outgoing::Message(text("still open"))).is_ready());
    sim.run_until(at(20)).unwrap();
    assert_eq!(read(&mut server), [said(text("still open"))]);
}

#[test]
fn a_dropped_end_is_an_end_of_stream_or_a_reset_if_bytes_were_unread() {
    let (mut sim, _, mut client, server) = setup();
    drop(server);
    sim.run_until(at(10)).unwrap();
    assert_eq!(recv(&mut client), Poll::Ready(None));

    let (mut client, server) = sim.pipe("client", "server");
    assert!(give(&mut client, Outgoing::Message(text("unread"))).is_ready());
    sim.run_until(at(20)).unwrap();
    drop(server);
    sim.run_until(at(30)).unwrap();
    assert_eq!(recv(&mut client), Poll::Ready(Some(Err(PipeError::Reset))));
}

#[test]
fn bytes_for_an_end_that_is_gone_come_back_as_a_reset() {
    let (mut sim, _, mut client, server) = setup();
    drop(server);
    assert!(give(&mut client, Outgoing::Message(text("hello?"))).is_ready());
    sim.run_until(at(20)).unwrap();
    assert_eq!(recv(&mut client), Poll::Ready(Some(Err(PipeError::Reset))));
}

#[test]
fn an_end_dropped_behind_a_cut_tells_nobody() {
    let (mut sim, link, mut client, server) = setup();
    link.to("client").cut();
    drop(server);
    sim.run_for(LONG).unwrap();
    assert!(recv(&mut client).is_pending());
}

#[test]
fn an_aborted_end_says_no_more_and_keeps_its_counts() {
    let (mut sim, _, mut client, mut server) = setup();
    assert!(give(&mut client, Outgoing::Message(text("hello"))).is_ready());
    Pin::new(&mut client).abort();
    sim.run_until(at(10)).unwrap();
    assert_eq!(read(&mut server), [said(text("hello"))], "what was written arrives");
    drop(server);
    sim.run_for(LONG).unwrap();
    assert_eq!((client.sent(), recv(&mut client)), (11, Poll::Ready(None)));
    assert_eq!(flush(&mut client), Poll::Ready(Err(PipeError::Closed)));
}

fn close(pipe: &mut Pipe) -> impl Future<Output = Result<(), PipeError>> {
    std::future::poll_fn(|cx| Pin::new(&mut *pipe).poll_close(cx))
}

#[test]
fn a_close_is_answered_and_the_server_ends_the_stream_first() {
    let (mut sim, _, mut client, mut server) = setup();
    let bye = CloseFrame::new(CloseCode::NORMAL, "bye");
    assert!(give(&mut client, Outgoing::Close(Some(bye.clone()))).is_ready());
    let late = Pin::new(&mut client).start_send(Outgoing::Message(text("late")));
    assert_eq!(late, Err(PipeError::AfterClose));
    sim.run_until(at(10)).unwrap();
    assert_eq!(read(&mut server), [Incoming::Close(Some(bye.clone()))]);
    assert_eq!(recv(&mut server), Poll::Ready(None));
    sim.run_until(at(20)).unwrap();
    assert_eq!(read(&mut client), [Incoming::Close(Some(bye))], "answered by the transport");
    assert!(sim.block_on(close(&mut client), LONG).is_err(), "it waits for the server's end");
    sim.block_on(close(&mut server), Duration::ZERO).unwrap().unwrap();
    sim.block_on(close(&mut client), 10 * MS).unwrap().unwrap();
}

#[test]
fn closing_discards_what_the_peer_still_says_and_waits_for_its_close() {
    let (mut sim, _, mut client, mut server) = setup();
    assert!(give(&mut server, Outgoing::Close(None)).is_ready());
    assert!(give(&mut client, Outgoing::Message(big(50_000))).is_ready());
    let client = sim.spawn(async move {
        let close = client.next().await;
        assert_eq!(close, Some(Ok(Incoming::Close(None))));
        close_all(client).await
    });
    sim.block_on(close(&mut server), 20 * MS).unwrap().unwrap();
    assert_eq!(server.received(), 50_000 + 8 + 6);
    assert_eq!(sim.block_on(client, 10 * MS).unwrap(), Some(Ok(())));
}

async fn close_all(mut pipe: Pipe) -> Result<(), PipeError> {
    close(&mut pipe).await
}

#[test]
fn what_is_injected_arrives_as_if_the_peer_had_sent_it() {
    let (mut sim, link, mut client, _server) = setup();
    let pong = Incoming::Pong(Bytes::from_static(b"nobody asked"));
    link.to("client").inject(pong.clone());
    sim.run_until(at(10)).unwrap();
    assert_eq!(read(&mut client), [pong]);
    assert_eq!(client.received(), 14);
}

#[test]
fn a_violation_is_an_error_with_the_code_that_the_peer_is_told() {
    let (mut sim, link, mut client, mut server) = setup();
    link.to("client").violate(CloseFrame::new(CloseCode::INVALID_DATA, "not UTF-8"));
    sim.run_until(at(10)).unwrap();
    let Poll::Ready(Some(Err(error))) = recv(&mut client) else { panic!("no error") };
    let cause = Pipe::classify(&error);
    assert!(matches!(cause, Cause::Violation { code: CloseCode::INVALID_DATA, .. }), "{cause}");
    assert!(give(&mut client, Outgoing::Close(Some(CloseCode::INVALID_DATA.into()))).is_ready());
    sim.run_until(at(20)).unwrap();
    assert_eq!(read(&mut server), [Incoming::Close(Some(CloseCode::INVALID_DATA.into()))]);
}

#[test]
fn a_pipe_has_a_link_of_its_own() {
    let (mut sim, _, mut client, mut server) = setup();
    let (mut other, mut peer) = sim.pipe("client", "server");
    client.link().to("server").cut();
    assert!(give(&mut client, Outgoing::Message(text("lost"))).is_ready());
    assert!(give(&mut other, Outgoing::Message(text("heard"))).is_ready());
    sim.run_until(at(10)).unwrap();
    assert_eq!((read(&mut server).len(), read(&mut peer).len()), (0, 1));
}
