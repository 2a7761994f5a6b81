//! Connections behind routes are counted, as those of a server of its own are.

use std::collections::BTreeMap;

use everbeat_hyper::{Requests, Sockets};
use everbeat_metrics::ServerMetrics;
use everbeat_tokio::core::Event;
use everbeat_tokio::core::time::Timer;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::peer::{Peer, ask, masked, soon};
use crate::support::{By, serve};

/// What was counted since it was last asked, by name and labels
fn counted(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    let all = snapshotter.snapshot().into_vec().into_iter();
    all.map(|(key, _, _, value)| {
        let key = key.key();
        let labels = key.labels().map(|label| label.value()).collect::<Vec<_>>().join(" ");
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(level) => level.into_inner(),
            DebugValue::Histogram(samples) => samples.len() as f64,
        };
        (format!("{} {labels}", key.name()), value)
    })
    .collect()
}

// One thread, so that its recorder counts all of it
#[tokio::test(flavor = "current_thread")]
async fn connections_behind_a_route_are_counted_from_their_beginning_to_their_end() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let metrics = ServerMetrics::new();
    let server = Requests::new().server().unwrap().build().unwrap();
    let wheel = server.wheel().clone();
    let sockets: Sockets = Sockets::over_with(server, |run| metrics.observe(run)).unwrap();
    let (route, of_route) = (sockets.clone(), metrics.clone());
    let address = serve(By::Hyper, move |mut request, _| {
        let (sockets, metrics) = (route.clone(), of_route.clone());
        async move {
            let handler = |mut connection: everbeat_hyper::Connection| async move {
                while let Some(event) = connection.next().await {
                    metrics.event(&connection, &event);
                    if let Event::Message(message) = event {
                        connection.send(message).await?;
                    }
                }
                Ok(())
            };
            sockets.accept(&mut request, handler).await
        }
    })
    .await;
    let (mut peer, _) = Peer::asked(address, &ask("/", "")).await;
    peer.say(&masked(0x81, b"1")).await;
    assert_eq!(peer.frame().await, (0x81, b"1".to_vec()));
    metrics.sample(sockets.registry(), wheel.now());
    let now = counted(&snapshotter);
    assert_eq!(now["everbeat_connections_open server"], 1.0, "{now:?}");
    assert_eq!(now["everbeat_connections_opened_total server"], 1.0);
    assert_eq!(now["everbeat_messages_total server received"], 1.0);
    assert!(now["everbeat_bytes_total server in"] > 0.0, "{now:?}");

    sockets.handle().shutdown();
    assert_eq!(peer.close().await.0, 1001);
    peer.say(&masked(0x88, &1001_u16.to_be_bytes())).await;
    assert_eq!(soon(sockets.closed()).await.served, 1);
    let now = counted(&snapshotter);
    assert_eq!(now["everbeat_connections_open server"], -1.0, "one less: {now:?}");
    assert_eq!(now["everbeat_messages_total server accepted"], 1.0);
    let ended = now.iter().filter(|(name, _)| name.starts_with("everbeat_connections_closed"));
    assert_eq!(ended.map(|(_, count)| count).sum::<f64>(), 1.0, "{now:?}");
}
