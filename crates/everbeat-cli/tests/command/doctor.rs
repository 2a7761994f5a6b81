//! `everbeat doctor`, against servers and roads whose every habit is known.

use std::net::SocketAddr;
use std::time::Duration;

use everbeat_tokio::Server;
use everbeat_tokio::server::{Expire, Reject, Upgrade};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::{Builder, Done, Scratch, echo, echo_as, everbeat, self_signed, url};

const SECOND: Duration = Duration::from_secs(1);

/// What a road does with a connection on which nothing passes
#[derive(Clone, Copy)]
enum Habit {
    /// Ends it, as proxies do
    Cuts,
    /// Takes what comes and passes it on no more, as a router does that has forgotten it
    Forgets,
}

/// A road to a server that has had enough of a silence after so long
async fn road(server: SocketAddr, limit: Duration, habit: Habit) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let server = TcpStream::connect(server).await.unwrap();
                _ = carry(client, server, limit, habit).await;
            });
        }
    });
    address
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    limit: Duration,
    habit: Habit,
) -> std::io::Result<()> {
    let (mut there, mut back) = ([0; 4_096], [0; 4_096]);
    loop {
        let passed = async {
            tokio::select! {
                read = client.read(&mut there) => (read, true),
                read = server.read(&mut back) => (read, false),
            }
        };
        match timeout(limit, passed).await {
            Ok((Ok(0) | Err(_), _)) => return Ok(()),
            Ok((Ok(count), true)) => server.write_all(&there[..count]).await?,
            Ok((Ok(count), false)) => client.write_all(&back[..count]).await?,
            Err(_) => match habit {
                Habit::Cuts => return Ok(()),
                Habit::Forgets => while client.read(&mut there).await? > 0 {},
            },
        }
    }
}

/// A server whose first Ping, at a random moment of an hour, does not come into a silence
async fn quiet() -> SocketAddr {
    echo_as(|builder| builder.interval(3_600 * SECOND)).await
}

async fn examined(address: SocketAddr, budget: &str) -> (Done, Value) {
    let done = everbeat(&["--json", "doctor", "--budget", budget, &url(address)]).await;
    let told = done.event("diagnosis");
    (done, told)
}

fn value<'a>(told: &'a Value, key: &str) -> &'a Value {
    &told["findings"][key]["value"]
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[tokio::test]
async fn of_everbeats_own_server_nothing_is_wrong() {
    let (done, told) = examined(quiet().await, "2s").await;
    assert_eq!(done.code, Some(0), "{told:#}");
    for key in ["answers_ping", "echoes_payload", "fragments"] {
        assert_eq!(value(&told, key), true, "{key} in {told:#}");
    }
    assert_eq!(value(&told, "idle")["cuts"], false);
    assert_eq!(value(&told, "own_beat")["pings"], false, "its beat is every hour");
    assert_eq!(told["client"]["interval_s"], 20.0);
    let closes = value(&told, "closes").as_array().unwrap();
    assert_eq!([&closes[0]["answered"], &closes[1]["answered"]], [1000, 4000]);
    let rules = value(&told, "broken").as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["answered"] == rule["asked"]), "{rules:#?}");
    assert_eq!(value(&told, "version")["status"], 426, "{told:#}");
}

#[tokio::test]
async fn a_road_that_cuts_is_measured_and_the_beat_shown_to_help() {
    let road = road(quiet().await, 3 * SECOND, Habit::Cuts).await;
    let (_, told) = examined(road, "25s").await;
    let idle = value(&told, "idle");
    assert_eq!(idle["cuts"], true, "{told:#}");
    // The limit and what this machine is late, or the moment less that the road counts from before us
    assert!((2.7..4.0).contains(&number(&idle["after_s"])), "{idle}");
    assert_eq!(told["limit_s"], 3.0);
    assert_eq!(told["client"]["interval_s"], 1.35, "45 % of the limit");
    assert_eq!(value(&told, "beaten")["helps"], true, "{told:#}");
    let lines = told["advice"][0]["lines"].to_string();
    assert!(lines.contains(".idle_limit(Duration::from_secs(3))"), "{lines}");
}

#[tokio::test]
async fn a_road_that_forgets_is_found_between_two_silences() {
    let road = road(quiet().await, 3 * SECOND, Habit::Forgets).await;
    let (_, told) = examined(road, "6s").await;
    let idle = value(&told, "idle");
    assert_eq!(idle["how"], "without a word", "{told:#}");
    assert_eq!([number(&idle["survives_s"]), number(&idle["gone_by_s"])], [2.0, 5.0]);
    assert_eq!(told["limit_s"], 2.0);
}

#[tokio::test]
async fn a_server_that_beats_and_drops_the_silent_is_told_from_a_road_that_cuts() {
    let beating = |builder: Builder| builder.interval(SECOND).timeout(2 * SECOND);
    let (done, told) = examined(echo_as(beating).await, "8s").await;
    assert_eq!(done.code, Some(0), "{told:#}");
    let own = value(&told, "own_beat");
    assert!((0.9..1.5).contains(&number(&own["interval_s"])), "{own}");
    let silent = value(&told, "silent");
    assert_eq!(silent["drops"], true, "{told:#}");
    assert!((1.9..3.5).contains(&number(&silent["after_s"])), "{silent}");
    assert_eq!(value(&told, "idle")["cuts"], false, "who answers is kept: {told:#}");
}

#[tokio::test]
async fn a_servers_own_rule_is_told_by_its_close() {
    let rule = |builder: Builder| {
        builder.interval(3_600 * SECOND).expire(Expire::default().idle(3 * SECOND))
    };
    let (_, told) = examined(echo_as(rule).await, "10s").await;
    let idle = value(&told, "idle");
    assert_eq!(idle["how"], "Close 1001: idle", "{told:#}");
    assert!((2.7..4.5).contains(&number(&idle["after_s"])), "{idle}");
    // A rule about messages is none that a beat could keep, and that is said.
    assert_eq!(value(&told, "beaten")["helps"], false, "{told:#}");
}

#[tokio::test]
async fn a_refusal_is_told_with_its_retry_after() {
    let server = Server::builder()
        .upgrade(|_| async {
            Err::<Upgrade<()>, _>(Reject::status(503).header("Retry-After", "7"))
        })
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    let address = server.acceptor().local_address().unwrap();
    tokio::spawn(server.serve(|_| async { Ok(()) }));
    let done = everbeat(&["doctor", "--budget", "2s", &url(address)]).await;
    assert_eq!(done.code, Some(3), "{done:?}");
    assert!(done.err.contains("503, Retry-After: 7"), "{done:?}");
}

#[tokio::test]
async fn below_tls_it_asks_the_same_and_trusts_whom_it_is_told_to() {
    let (cert, tls) = self_signed();
    let with_tls =
        |builder: Builder| builder.interval(3_600 * SECOND).listener(|listener| listener.tls(tls));
    let url = format!("wss://localhost:{}/", echo_as(with_tls).await.port());
    let ca = Scratch::with("doctor.pem", &cert);
    let told = ["--json", "doctor", "-4", "--budget", "2s", &url];
    let done = everbeat(&[&told[..], &["--ca", ca.path()]].concat()).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let told_of = done.event("diagnosis");
    for key in ["answers_ping", "echoes_payload", "fragments"] {
        assert_eq!(value(&told_of, key), true, "{key} in {told_of:#}");
    }
    let rules = value(&told_of, "broken").as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["answered"] == rule["asked"]), "{rules:#?}");
    // Another's certificate is as good as none: who is told to trust one trusts no other.
    let other = Scratch::with("other.pem", &self_signed().0);
    let done = everbeat(&[&told[..], &["--ca", other.path()]].concat()).await;
    assert!(done.code == Some(3) && done.err.contains("no TLS"), "{done:?}");
}

#[tokio::test]
async fn people_are_told_the_same_in_rows_and_lines_to_set() {
    let done = everbeat(&["doctor", "--budget", "2s", "--no-messages", &url(echo().await)]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    for part in
        ["answers a Ping?", "proxy_read_timeout 75s;", "timeout tunnel 75s", "Client::builder("]
    {
        assert!(done.out.contains(part), "{part} in {done:?}");
    }
    assert!(!done.out.contains("in pieces"), "{done:?}");
}
