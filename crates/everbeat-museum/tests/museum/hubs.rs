//! A server that speaks to many, and the one among them who does not listen.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use everbeat_core::cause::Expired;
use everbeat_core::transport::{Attempt, Connect, Incoming, Outgoing};
use everbeat_core::{Connection, Message};
use everbeat_server::Server;
use everbeat_sim::{Pipe, Sim, for_each_seed};

use crate::support::{MINUTE, MS, SECOND, pass};

const MEMBERS: [&str; 3] = ["stuck", "one", "two"];

/// How many messages a member has read
type Count = Rc<Cell<u64>>;

async fn member(mut pipe: Pipe, count: Count) {
    while let Some(Ok(heard)) = pipe.next().await {
        if let Incoming::Message(_) = heard {
            count.set(count.get() + 1);
        }
    }
}

fn news() -> Message {
    vec![0; 2_000].into()
}

/// A hub that writes to each in turn, ten times a second; what each member has read
fn naive_hub(sim: &Sim) -> Vec<Count> {
    let (mut pipes, mut counts) = (Vec::new(), Vec::new());
    for name in MEMBERS {
        let (ours, theirs) = sim.pipe("hub", name);
        let count = Count::default();
        sim.host(name).spawn(member(theirs, count.clone()));
        pipes.push(ours);
        counts.push(count);
    }
    let handle = sim.handle();
    sim.spawn(async move {
        loop {
            handle.sleep(100 * MS).await;
            for pipe in &mut pipes {
                drop(pipe.send(Outgoing::Message(news())).await);
            }
        }
    });
    counts
}

type Reports = Arc<Mutex<Vec<(String, Expired)>>>;

/// everbeat's server, whose registry has a queue for each; what each member has read, and whom the
/// server let go
fn everbeat_hub(sim: &Sim) -> (Vec<Count>, Reports) {
    let builder = Server::over(sim.listen("server"), sim.timer(), sim.handle(), sim.random());
    let server = builder.build().unwrap();
    let (registry, reports) = (server.registry(), Reports::default());
    let noted = reports.clone();
    let server = server.on_expire(move |handle, rule| {
        noted.lock().unwrap().push((handle.facts().clone(), rule));
    });
    sim.spawn(server.serve(|mut connection: Connection<_, _>| async move {
        while connection.recv().await?.is_some() {}
        Ok(())
    }));
    let mut counts = Vec::new();
    for name in MEMBERS {
        let count = Count::default();
        counts.push(count.clone());
        let mut connector = sim.connector("server").on_host(name);
        sim.host(name).spawn(async move {
            if let Ok(pipe) = connector.connect(Attempt::first()).await {
                member(pipe, count).await;
            }
        });
    }
    let handle = sim.handle();
    sim.spawn(async move {
        loop {
            handle.sleep(100 * MS).await;
            drop(registry.send_all(news()));
        }
    });
    (counts, reports)
}

/// kubestellar/console#7994, minio/minio#18988: the hub writes to one after the other, without a
/// deadline, and one client that does not read is enough: nobody hears anything any more.
#[test]
fn one_client_that_does_not_read_silences_the_hub() {
    for_each_seed(0..3, |sim| {
        let naive = naive_hub(sim);
        let (ours, reports) = everbeat_hub(sim);
        pass(sim, 10 * SECOND);
        for hub in ["hub", "server"] {
            sim.link(hub, "stuck").to("stuck").stall();
        }
        let read = |counts: &[Count]| counts.iter().map(|count| count.get()).collect::<Vec<_>>();
        pass(sim, 20 * SECOND);
        let (before, soon) = (read(&naive), read(&ours));
        pass(sim, 5 * MINUTE);
        assert_eq!(read(&naive), before, "silence");
        for (before, after) in soon[1..].iter().zip(&read(&ours)[1..]) {
            assert!((2_990..=3_010).contains(&(after - before)), "{before} to {after}");
        }
        // Too slow by what waits for it, or silent because it does not answer either: whichever
        // is found first.
        let reports = reports.lock().unwrap();
        let [(stuck, Expired::TooSlow | Expired::Silent)] = &reports[..] else {
            panic!("{reports:?}");
        };
        assert_eq!(stuck, "stuck");
    });
}
