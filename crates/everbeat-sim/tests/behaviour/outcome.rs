//! What becomes of messages: each accepted one is delivered, unsent or unconfirmed, and none is
//! forgotten, whatever happens to the road.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{MS, SECOND, beat, drive, read_all, the_end, with_peer};
use everbeat_core::client::{Client, Queue};
use everbeat_core::config::ConnectionConfig;
use everbeat_core::outcome::Disconnected;
use everbeat_core::reconnect::Backoff;
use everbeat_core::transport::Outgoing;
use everbeat_core::{Connection, Event, Message};
use everbeat_sim::{Link, Sim, SimConnector, SimTimer, for_each_seed};

type SimClient = Client<SimConnector, SimTimer>;
/// The ids that the server's program was given
type Received = Rc<RefCell<Vec<u64>>>;

fn message(id: u64, size: usize) -> Message {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.resize(size.max(8), 0);
    bytes.into()
}

fn id(message: &Message) -> u64 {
    u64::from_be_bytes(message.as_bytes()[..8].try_into().unwrap())
}

/// A server that notes what it receives before it does anything else
fn serve(sim: &Sim) -> Received {
    let received = Received::default();
    let (ledger, handle, mut listener) = (received.clone(), sim.handle(), sim.listen("server"));
    sim.spawn(async move {
        loop {
            let (pipe, _) = listener.accept().await;
            let (timer, seed) = (handle.timer(), handle.random());
            let mut connection = Connection::new(pipe, timer, ConnectionConfig::server(), seed);
            let ledger = ledger.clone();
            handle.spawn(async move {
                while let Ok(Some(message)) = connection.recv().await {
                    ledger.borrow_mut().push(id(&message));
                }
            });
        }
    });
    received
}

/// One of the faults, for a while, then mended as far as it can be
fn befall(sim: &Sim, link: &Link, when: Duration) {
    let (fault, lasts) = (sim.random() % 8, MS * (sim.random() % 8_000) as u32);
    let (broken, mended) = (link.clone(), link.clone());
    sim.after(when, move || match fault {
        0 => broken.reset(),
        1 => broken.cut(),
        2 => broken.to("server").cut(),
        3 => broken.to("client").cut(),
        4 => broken.partition(),
        5 => broken.to("server").hold(),
        6 => broken.to("client").end(),
        _ => broken.to("server").stall(),
    });
    sim.after(when + lasts, move || {
        mended.repair();
        mended.resume();
    });
}

/// What a client and its server know at the end
struct Books {
    client: SimClient,
    accepted: u64,
    unsent: Vec<u64>,
    unconfirmed: Vec<u64>,
    unconfirmed_count: u64,
}

impl Books {
    fn enter(&mut self, event: &Event) {
        if let Event::Disconnected(end) | Event::GaveUp(end) | Event::Closed(end) = event {
            self.enter_end(end);
        }
    }

    fn enter_end(&mut self, end: &Disconnected) {
        self.unsent.extend(end.unsent.iter().map(id));
        self.unconfirmed.extend(end.unconfirmed.messages.iter().map(id));
        self.unconfirmed_count += end.unconfirmed.count;
    }

    /// Nothing lost, nothing told wrong
    fn audit(&self, received: &[u64]) {
        let tally = self.client.tally();
        assert_eq!((tally.accepted, tally.pending), (self.accepted, 0), "{tally:?}");
        assert_eq!(tally.delivered + tally.unsent + tally.unconfirmed, tally.accepted, "{tally:?}");
        assert_eq!(tally.unsent, self.unsent.len() as u64);
        assert_eq!(tally.unconfirmed, self.unconfirmed_count);
        let unconfirmed: BTreeSet<_> = self.unconfirmed.iter().copied().collect();
        let unsent: BTreeSet<_> = self.unsent.iter().copied().collect();
        let heard: BTreeSet<_> = received.iter().copied().collect();
        assert_eq!(heard.len(), received.len(), "received twice: {received:?}");
        assert_eq!(unconfirmed.len() as u64, self.unconfirmed_count, "all were retained");
        assert!(unconfirmed.is_disjoint(&unsent));
        assert!(heard.is_disjoint(&unsent), "received although unsent");
        let delivered: BTreeSet<_> = (0..self.accepted)
            .filter(|id| !unsent.contains(id) && !unconfirmed.contains(id))
            .collect();
        assert_eq!(delivered.len() as u64, tally.delivered, "some id appears nowhere");
        let missing: Vec<_> = delivered.difference(&heard).collect();
        assert!(missing.is_empty(), "delivered, but never received: {missing:?}");
    }
}

/// A client that sends for a minute over a road on which things happen, and then closes
fn an_unlucky_minute(sim: &mut Sim, max_size: u64) {
    let link = sim.link("client", "server");
    link.delay(20 * MS).jitter(30 * MS).buffer(4_000);
    let received = serve(sim);
    for _ in 0..4 {
        befall(sim, &link, MS * (sim.random() % 60_000) as u32);
    }
    let client = Client::over(sim.connector("server"), sim.timer(), sim.random())
        .interval(SECOND)
        .timeout(2 * SECOND)
        .connect_timeout(2 * SECOND)
        .backoff(Backoff::full_jitter(100 * MS..=SECOND))
        .queue(Queue::bounded(20, 10 << 20))
        .retain_bytes(16 << 20)
        .retry_first(true)
        .build()
        .unwrap();
    let mut books = Books {
        client,
        accepted: 0,
        unsent: Vec::new(),
        unconfirmed: Vec::new(),
        unconfirmed_count: 0,
    };
    while sim.now().since_origin() < 60 * SECOND {
        let message = message(books.accepted, (sim.random() % max_size) as usize);
        let accepted = if sim.random() % 2 == 0 {
            books.client.try_send(message).is_ok()
        } else {
            sim.block_on(books.client.send(message), Duration::ZERO).unwrap().is_ok()
        };
        books.accepted += u64::from(accepted);
        let pause = MS * (sim.random() % 1_000) as u32;
        for (_, event) in drive(sim, &mut books.client, pause) {
            books.enter(&event);
        }
    }
    for (_, event) in drive(sim, &mut books.client, 10 * SECOND) {
        books.enter(&event);
    }
    // Everything that can be mended is: what is still queued goes out.
    let end = sim.block_on(books.client.close(), 60 * SECOND).unwrap();
    books.enter_end(&end);
    sim.run_for(60 * SECOND).unwrap();
    assert!(books.accepted > 20, "{}", books.accepted);
    books.audit(&received.borrow());
}

#[test]
fn every_message_is_delivered_unsent_or_unconfirmed_and_none_is_lost() {
    for_each_seed(0..200, |sim| an_unlucky_minute(sim, 1_000));
}

#[test]
fn the_same_holds_for_messages_of_several_frames() {
    for_each_seed(0..20, |sim| an_unlucky_minute(sim, 300_000));
}

#[test]
fn a_quiet_road_delivers_everything_in_order() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").delay(20 * MS);
        let received = serve(sim);
        let connect = Client::over(sim.connector("server"), sim.timer(), sim.random()).connect();
        let mut client = sim.block_on(connect, SECOND).unwrap().unwrap();
        for id in 0..100 {
            sim.block_on(client.send(message(id, 100)), SECOND).unwrap().unwrap();
            drive(sim, &mut client, MS);
        }
        let end = sim.block_on(client.close(), 10 * SECOND).unwrap();
        assert_eq!((end.unsent.len(), end.unconfirmed.count), (0, 0));
        assert_eq!(client.tally().delivered, 100);
        assert_eq!(*received.borrow(), (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn a_ping_that_overtakes_the_rest_of_a_message_does_not_prove_it() {
    for_each_seed(0..20, |sim| {
        let link = sim.link("client", "server");
        // The first frame of three gets through before the road breaks for good.
        link.to("server").rate(10_000).buffer(20_000);
        let (mut client, server) = with_peer(sim, beat(SECOND, 5 * SECOND));
        let heard = read_all(sim, server);
        sim.block_on(client.send(vec![7; 180_000]), SECOND).unwrap().unwrap();
        let mut events = drive(sim, &mut client, 12 * SECOND);
        assert_eq!(client.delivered(), 0, "its last byte has not even been written");
        link.reset();
        events.extend(drive(sim, &mut client, SECOND));
        assert_eq!(the_end(&events).1.unconfirmed.count, 1);
        assert!(heard.is_finished());
    });
}

#[test]
fn a_proof_is_asked_for_an_interval_after_the_first_write_even_when_heard() {
    for_each_seed(0..50, |sim| {
        let delay = 20 * MS;
        sim.link("client", "server").delay(delay);
        let (mut client, mut server) = with_peer(sim, beat(10 * SECOND, 5 * SECOND));
        let handle = sim.handle();
        sim.spawn(async move {
            let chatter = || Outgoing::Message("chatter".into());
            // It reads too, for its transport answers when it is polled.
            loop {
                server.send(chatter()).await.unwrap();
                let mut pause = std::pin::pin!(handle.sleep(100 * MS));
                std::future::poll_fn(|cx| {
                    use everbeat_core::transport::Transport;
                    while std::pin::Pin::new(&mut server).poll_recv(cx).is_ready() {}
                    pause.as_mut().poll(cx)
                })
                .await;
            }
        });
        drive(sim, &mut client, 30 * SECOND);
        for number in 1..=5 {
            sim.block_on(client.send("prove me"), SECOND).unwrap().unwrap();
            drive(sim, &mut client, 10 * SECOND + 2 * delay);
            assert_eq!(client.delivered(), number);
            let pause = MS * (sim.random() % 10_000) as u32;
            drive(sim, &mut client, pause);
        }
    });
}

#[test]
fn a_server_retains_nothing_and_asks_for_no_proof() {
    let mut sim = Sim::seed(1);
    let (client, server) = sim.pipe("client", "server");
    let config = ConnectionConfig::server();
    let mut server = Connection::new(server, sim.timer(), config, 1);
    read_all(&sim, client);
    for _ in 0..10 {
        sim.block_on(server.send(vec![7; 100]), SECOND).unwrap().unwrap();
    }
    sim.link("client", "server").reset();
    let events = drive(&mut sim, &mut server, SECOND);
    let (_, end) = the_end(&events);
    assert_eq!((end.unconfirmed.count, end.unconfirmed.messages.len()), (10, 0));
}

#[test]
fn beyond_the_limit_the_newest_are_returned_and_all_are_counted() {
    let mut sim = Sim::seed(1);
    // Two messages, and what remembering each costs; a third would not fit.
    let config = beat(10 * SECOND, 5 * SECOND).with_retain_bytes(350);
    let (mut client, server) = with_peer(&sim, config);
    read_all(&sim, server);
    for id in 0..10 {
        sim.block_on(client.send(message(id, 100)), SECOND).unwrap().unwrap();
    }
    sim.link("client", "server").reset();
    let events = drive(&mut sim, &mut client, SECOND);
    let (_, end) = the_end(&events);
    let returned: Vec<u64> = end.unconfirmed.messages.iter().map(id).collect();
    assert_eq!((end.unconfirmed.count, returned), (10, vec![8, 9]));
}

#[test]
fn what_was_never_written_comes_back_when_the_client_is_closed() {
    let mut sim = Sim::seed(1);
    let mut client =
        Client::over(sim.connector("nobody"), sim.timer(), 1).retry_first(true).build().unwrap();
    for id in 0..3 {
        client.try_send(message(id, 8)).unwrap();
    }
    drive(&mut sim, &mut client, 60 * SECOND);
    let end = sim.block_on(client.close(), SECOND).unwrap();
    assert_eq!(end.unsent.iter().map(id).collect::<Vec<_>>(), [0, 1, 2]);
    let tally = client.tally();
    assert_eq!((tally.accepted, tally.unsent, tally.pending), (3, 3, 0));
}
