//! Buffers that fill: the sender's, and the reader's, whose kernel then says that there is no room.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use everbeat_core::transport::{Outgoing, Transport};
use everbeat_sim::for_each_seed;

use crate::support::pipes::{NOW, at, big, flush, give, path, read, recv, said, say, setup, text};
use crate::support::{MS, SECOND};

#[test]
fn a_kernel_takes_a_buffer_full_and_no_more_until_it_is_acknowledged() {
    let (mut sim, link, mut client, _server) = setup(10 * MS);
    link.buffer(1_000).window(100_000);
    assert!(give(&mut client, Outgoing::Message(big(5_000))).is_pending());
    assert_eq!(client.sent(), 1_000);
    sim.run_until(at(19)).unwrap();
    assert!(flush(&mut client).is_pending());
    assert_eq!(client.sent(), 1_000);
    sim.run_until(at(20)).unwrap();
    assert!(flush(&mut client).is_pending());
    assert_eq!((client.sent(), path(&client)), (2_000, (1_000, 1_000, NOW)));
}

#[test]
fn a_reader_that_does_not_read_fills_its_kernel_which_goes_on_to_answer() {
    let (mut sim, link, mut client, mut server) = setup(10 * MS);
    link.buffer(5_000).window(1_000);
    say(&mut client, big(4_000));
    sim.run_until(at(1_000)).unwrap();
    let fresh = 1_000;
    assert_eq!((path(&client).0, path(&client).1), (fresh, 3_008));
    // It is asked again and again whether it has room: each answer is fresh evidence.
    let mut answers = 0;
    let mut age = path(&client).2;
    for _ in 0..600 {
        sim.run_for(SECOND).unwrap();
        let path = path(&client);
        assert_eq!((path.0, path.1), (fresh, 3_008));
        answers += u32::from(path.2 < age);
        age = path.2;
        assert!(age <= 121 * SECOND);
    }
    assert!((8..=14).contains(&answers), "{answers}");
    assert!(flush(&mut client).is_ready());
    // It reads; the rest comes.
    for _ in 0..6 {
        _ = recv(&mut server);
        sim.run_for(30 * MS).unwrap();
    }
    assert_eq!((server.received(), path(&client).1), (4_008, 0));
}

#[test]
fn a_window_that_is_closed_for_hours_is_no_death() {
    let (mut sim, link, mut client, mut server) = setup(10 * MS);
    link.window(10);
    say(&mut client, text("do you read this?"));
    let events = sim.trace().events();
    sim.run_for(86_400 * SECOND).unwrap();
    assert!(sim.trace().events() - events < 3_000, "it is asked every two minutes");
    assert!(flush(&mut client).is_ready());
    assert!(recv(&mut server).is_pending());
    sim.run_for(SECOND).unwrap();
    assert!(recv(&mut server).is_pending());
    sim.run_for(SECOND).unwrap();
    assert_eq!(read(&mut server), [said(text("do you read this?"))]);
}

#[test]
fn word_of_new_room_that_is_lost_is_asked_for() {
    let (mut sim, link, mut client, mut server) = setup(10 * MS);
    link.window(1_000);
    say(&mut client, big(1_500));
    sim.run_until(at(30)).unwrap();
    link.to("client").loss(1.0);
    assert!(recv(&mut server).is_pending(), "it is read, and word of it is lost");
    link.to("client").loss(0.0);
    sim.run_until(at(200)).unwrap();
    assert_eq!(path(&client).0, 1_000);
    sim.run_until(at(300)).unwrap();
    assert_eq!(read(&mut server), [said(big(1_500))]);
}

#[test]
fn a_reader_in_fits_and_starts_gets_everything() {
    for_each_seed(0..50, |sim| {
        let link = sim.link("client", "server");
        link.delay(10 * MS).buffer(3_000).window(500 + (sim.random() % 3_000) as usize);
        let (mut client, mut server) = sim.pipe("client", "server");
        let writer = sim.spawn(async move {
            for _ in 0..20 {
                client.send(Outgoing::Message(big(2_345))).await.unwrap();
            }
            client
        });
        let mut read = 0;
        for _ in 0..3_000 {
            if sim.random() % 4 == 0 && recv(&mut server).is_ready() {
                read += 1;
            }
            sim.run_for(10 * MS).unwrap();
        }
        assert_eq!((read, writer.is_finished()), (20, true));
    });
}

/// How much happens while two megabytes are sent and read, over a road where 20 kB are a piece
fn happenings(window: usize) -> u64 {
    let (mut sim, link, mut client, mut server) = setup(30 * MS);
    link.window(window).to("server").rate(1_000_000);
    let events = sim.trace().events();
    let writer = sim.spawn(async move {
        for _ in 0..20 {
            client.send(Outgoing::Message(big(100_000))).await.unwrap();
        }
        client
    });
    for _ in 0..20 {
        let read = sim.block_on(server.next(), 2 * SECOND).unwrap();
        assert_eq!(read, Some(Ok(said(big(100_000)))));
    }
    assert!(writer.is_finished());
    sim.trace().events() - events
}

#[test]
fn an_upload_travels_in_large_pieces_however_it_is_written_and_read() {
    for window in [21_000, 30_000, 64 << 10, 1 << 20] {
        let happenings = happenings(window);
        assert!(happenings < 2_000, "{happenings} with a window of {window}");
    }
}
