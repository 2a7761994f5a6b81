//! A server whose connections beat by a message of the application's own, beside what handles send.

use everbeat_core::Cause;
use everbeat_core::config::OwnBeat;
use everbeat_core::transport::{Incoming, Outgoing};
use everbeat_sim::net::PipeError;
use everbeat_sim::{Sim, Task};

use super::rig::{SECOND, builder, dial, noting, seconds, start};

/// A client that answers `ping` and no Ping, or nothing; what it hears
fn client(sim: &Sim, host: &str, answers: bool) -> Task<Result<Vec<String>, PipeError>> {
    sim.link(host, "server").mute();
    let (sim, host) = (sim.handle(), host.to_owned());
    sim.clone().spawn(async move {
        let Some(mut pipe) = dial(sim, host).await else {
            panic!("not connected");
        };
        let mut heard = Vec::new();
        while let Some(Ok(incoming)) = pipe.next().await {
            match incoming {
                Incoming::Message(message) => heard.push(message.to_string()),
                Incoming::Close(_) => break,
                other => panic!("{other:?}"),
            }
            if answers && heard.last().is_some_and(|word| word == "ping") {
                pipe.send(Outgoing::Message("pong".into())).await?;
            }
        }
        Ok::<_, PipeError>(heard)
    })
}

#[test]
fn each_connection_beats_so_and_whoever_does_not_answer_is_expired() {
    let mut sim = Sim::seed(1);
    let (ends, handler) = noting(&sim);
    let beat = OwnBeat::new("ping", |message| message.as_text() == Some("pong"));
    let beat = builder(&sim).interval(SECOND).timeout(2 * SECOND).beat(beat);
    let host = start(&sim, beat, handler);
    let live: Vec<_> = (0..20).map(|n| client(&sim, &format!("r{n}"), true)).collect();
    let _deaf: Vec<_> = (0..10).map(|n| client(&sim, &format!("s{n}"), false)).collect();
    let told: Vec<_> = (0..300).map(|n| format!("m{n}")).collect();
    for text in &told {
        sim.run_for(SECOND / 10).unwrap();
        host.registry.send_all(text.clone()).unwrap();
    }
    assert_eq!(host.registry.len(), 20);
    let ended = ends.take();
    assert_eq!(ended.len(), 10);
    for (peer, cause, at) in ended {
        assert!(peer.starts_with('s') && at <= seconds(3.2), "{peer} at {at:?}: {cause}");
        let Cause::Dead { evidence, .. } = cause else { panic!("{cause}") };
        assert!(evidence.to_string().contains("1 beat unanswered"), "{evidence}");
    }
    host.handle.shutdown();
    sim.run_for(20 * SECOND).unwrap();
    for live in live {
        let (beats, rest): (Vec<_>, Vec<_>) =
            live.take().unwrap().unwrap().into_iter().partition(|word| word == "ping");
        assert!((29..=36).contains(&beats.len()), "{}", beats.len());
        assert_eq!(rest, told, "no message of a handle is lost or out of turn");
    }
}
