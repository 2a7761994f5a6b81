//! Whom the server expires: the silent by Ping, the idle if asked, and whoever reads nothing.

use everbeat_core::Cause;
use everbeat_core::cause::{CloseCode, Expired};
use everbeat_core::transport::Outgoing;
use everbeat_server::Expire;
use everbeat_sim::Sim;

use super::rig::{
    SECOND, ServerConnection, builder, dial, noting, reading, seconds, silent, start,
};

#[test]
fn hundreds_of_silent_peers_are_expired_by_ping_on_one_wheel() {
    let mut sim = Sim::seed(1);
    let (ends, handler) = noting(&sim);
    let beat = builder(&sim).interval(SECOND).timeout(2 * SECOND);
    let host = start(&sim, beat, handler);
    let readers: Vec<_> = (0..200).map(|n| reading(&sim, &format!("r{n}"))).collect();
    let _silent: Vec<_> = (0..100).map(|n| silent(&sim, &format!("s{n}"))).collect();
    sim.run_for(SECOND / 2).unwrap();
    assert_eq!((host.registry.len(), host.wheel.len()), (300, 300));

    sim.run_for(4 * SECOND).unwrap();
    assert_eq!((host.registry.len(), host.wheel.len()), (200, 200));
    let ended = ends.take();
    assert_eq!(ended.len(), 100);
    for (peer, cause, at) in ended {
        assert!(peer.starts_with('s') && matches!(cause, Cause::Dead { .. }), "{peer}: {cause}");
        // An interval, a timeout, and a tick for each.
        assert!(at <= seconds(3.2), "{peer} at {at:?}");
    }

    sim.run_for(60 * SECOND).unwrap();
    assert!(readers.iter().all(|(_, task)| !task.is_finished()));
    assert!(ends.borrow().is_empty());
    // Not a sleep for each connection and beat, which would be 15,000 and more: one for each
    // shard and tick at most.
    assert!(host.timer.arms() <= 65 * 20 * 8, "{} arms", host.timer.arms());
}

#[test]
fn without_a_heartbeat_nobody_is_expired() {
    let mut sim = Sim::seed(2);
    let (ends, handler) = noting(&sim);
    let host = start(&sim, builder(&sim).expire(Expire::default().silent(None)), handler);
    let _silent = silent(&sim, "s");
    sim.run_for(24 * 3_600 * SECOND).unwrap();
    assert_eq!((host.registry.len(), ends.borrow().len()), (1, 0));
}

#[test]
fn the_idle_are_expired_if_asked_and_messages_of_either_side_keep() {
    let mut sim = Sim::seed(3);
    let (ends, handler) = noting(&sim);
    let host = start(&sim, builder(&sim).expire(Expire::default().idle(5 * SECOND)), handler);
    let (idle, _task) = reading(&sim, "idle");
    let (told, _task) = reading(&sim, "told");
    let handle = sim.handle();
    let talking = sim.spawn(async move {
        let mut pipe = dial(handle.clone(), "talking".to_owned()).await.unwrap();
        for _ in 0..10 {
            handle.sleep(3 * SECOND).await;
            pipe.send(Outgoing::Message("still here".into())).await.unwrap();
        }
        pipe
    });
    for second in 0..10 {
        sim.run_for(3 * SECOND).unwrap();
        for handle in host.registry.handles() {
            if handle.facts() == "told" {
                handle.send(format!("news {second}")).unwrap();
            }
        }
    }
    sim.run_for(SECOND).unwrap();
    let idle = idle.take();
    let close = idle.close.clone().unwrap();
    assert_eq!((close.code, &*close.reason), (CloseCode::GOING_AWAY, "idle"));
    assert!(idle.ended.unwrap() <= seconds(5.2), "{idle:?}");
    assert_eq!(told.borrow().texts.len(), 10);
    assert!(talking.is_finished());
    assert_eq!(host.registry.len(), 2, "{:?}", host.registry.handles());
    let (peer, cause, _) = ends.borrow()[0].clone();
    assert_eq!((&*peer, cause), ("idle", Cause::Expired(Expired::Idle)));
}

#[test]
fn a_peer_that_reads_nothing_is_ended_by_its_heartbeat() {
    let mut sim = Sim::seed(4);
    sim.link("s", "server").to("s").buffer(1_000);
    let beat = builder(&sim).interval(SECOND).timeout(2 * SECOND);
    let host = start(&sim, beat, |mut connection: ServerConnection, _| async move {
        loop {
            connection.send("x".repeat(100)).await?;
        }
        #[expect(unreachable_code, reason = "it says the type of the error")]
        Ok::<_, Cause>(())
    });
    let client = silent(&sim, "s");
    sim.run_for(SECOND / 2).unwrap();
    assert_eq!(host.registry.len(), 1);
    sim.run_for(4 * SECOND).unwrap();
    assert!(host.registry.is_empty() && host.wheel.is_empty());
    assert!(!client.is_finished());
}
