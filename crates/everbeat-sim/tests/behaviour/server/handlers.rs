//! What handlers are given, what they may return, and what becomes of the others when one panics.

use everbeat_core::Cause;
use everbeat_core::transport::{Incoming, Outgoing};
use everbeat_server::Accepted;
use everbeat_sim::Sim;

use super::rig::{SECOND, ServerConnection, builder, dial, reading, start};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[test]
fn the_five_line_server_echoes() {
    let mut sim = Sim::seed(1);
    let server = builder(&sim).build().unwrap();
    // No type is named in here: not the connection's, nor that of the error.
    sim.spawn(server.serve(|mut connection| async move {
        while let Some(message) = connection.recv().await? {
            let count: u32 = message.to_string().parse()?;
            connection.send((count + 1).to_string()).await?;
        }
        Ok(())
    }));
    let echoed = sim.block_on(
        {
            let handle = sim.handle();
            async move {
                let mut pipe = dial(handle, "client".to_owned()).await.unwrap();
                pipe.send(Outgoing::Message("41".into())).await.unwrap();
                pipe.next().await
            }
        },
        SECOND,
    );
    assert_eq!(echoed.unwrap(), Some(Ok(Incoming::Message("42".into()))));
}

#[test]
fn a_panic_ends_its_own_connection_only() {
    let mut sim = Sim::seed(2);
    let host =
        start(&sim, builder(&sim), |connection: ServerConnection, accepted: Accepted<String>| {
            assert_ne!(accepted.facts(), "early", "before its future");
            late(connection, accepted)
        });
    let (early, early_task) = reading(&sim, "early");
    let (late, late_task) = reading(&sim, "late");
    let (calm, calm_task) = reading(&sim, "calm");
    sim.run_for(SECOND).unwrap();
    assert!(early_task.is_finished() && late_task.is_finished());
    assert!(early.borrow().close.is_none() && late.borrow().close.is_none());
    assert!(!calm_task.is_finished());
    assert_eq!((host.registry.len(), host.wheel.len(), host.registry.served()), (1, 1, 3));

    host.registry.send_all("still served").unwrap();
    sim.run_for(SECOND).unwrap();
    assert_eq!(calm.borrow().texts, ["still served"]);
    assert!(!host.task.is_finished());
}

async fn late(
    mut connection: ServerConnection,
    accepted: Accepted<String>,
) -> Result<(), BoxError> {
    assert_eq!(accepted.handle.facts(), accepted.facts());
    while let Some(_message) = recv_or_panic(&mut connection, &accepted).await? {}
    Ok(())
}

/// Panics in the middle of an await, with the connection borrowed
async fn recv_or_panic(
    connection: &mut ServerConnection,
    accepted: &Accepted<String>,
) -> Result<Option<everbeat_core::Message>, Cause> {
    let mut polls = 0;
    std::future::poll_fn(|cx| {
        polls += 1;
        assert!(accepted.facts() != "late" || polls < 2, "in its future");
        if polls == 1 {
            cx.waker().wake_by_ref();
        }
        std::pin::pin!(connection.recv()).poll(cx)
    })
    .await
}

#[test]
fn returning_early_drops_the_connection_and_frees_its_place() {
    let mut sim = Sim::seed(3);
    let server = builder(&sim).build().unwrap();
    let (registry, wheel) = (server.registry(), server.wheel().clone());
    sim.spawn(server.serve(|mut connection| async move {
        connection.send("hello").await?;
        Err("no time".into())
    }));
    let (heard, task) = reading(&sim, "client");
    sim.run_for(SECOND).unwrap();
    assert!(task.is_finished());
    assert_eq!(heard.borrow().texts, ["hello"]);
    assert!(heard.borrow().close.is_none(), "no Close was said");
    assert!(registry.is_empty() && wheel.is_empty());
}
