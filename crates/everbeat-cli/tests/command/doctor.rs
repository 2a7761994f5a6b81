//! `everbeat doctor`, against servers and roads whose every habit is known.

use std::net::SocketAddr;
use std::time::Duration;

use everbeat_faults::{Direction, Proxy};
use everbeat_tokio::Server;
use everbeat_tokio::server::{Expire, Reject, Upgrade};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::support::{
    Builder, Done, Running, SOON, Scratch, echo, echo_as, everbeat, self_signed, url,
};

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
    let open = told["not_learned"].to_string();
    assert!(open.contains("less often than every 2 s") && open.contains("--budget 8s"), "{open}");
    assert_eq!(told["untried"], serde_json::json!([]));
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
    let (_, told) = examined(road, "10s").await;
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
    // Who waits for an answer that does not come has no time left to try the beat, and says so.
    let open = told["not_learned"].as_array().unwrap();
    let beat = open.iter().find(|open| open["what"].as_str().unwrap().contains("beat helps"));
    assert!(beat.unwrap()["flag"].as_str().unwrap().starts_with("--budget "), "{open:#?}");
}

#[tokio::test]
async fn a_road_that_forgets_is_looked_at_again_and_the_beat_shown_to_help() {
    let road = road(quiet().await, 3 * SECOND, Habit::Forgets).await;
    let (_, told) = examined(road, "25s").await;
    let idle = value(&told, "idle");
    let [survives, gone_by] = [&idle["survives_s"], &idle["gone_by_s"]].map(number);
    assert!(survives > 2.0 && survives < gone_by && gone_by < 5.0, "nearer than 2 and 5: {idle}");
    assert_eq!(value(&told, "beaten")["helps"], true, "{told:#}");
}

/// A road for so many connections; then nobody listens there
async fn road_for(server: SocketAddr, connections: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for _ in 0..connections {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(server).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    address
}

#[tokio::test]
async fn what_was_found_is_told_though_later_connections_are_not_made() {
    // One to see whether it lets us in, one for Pings, two for a message in pieces
    let (road, other) = (road_for(quiet().await, 4).await, url(road_for(quiet().await, 4).await));
    let args = ["doctor", "--budget", "2s", &other];
    let ((done, told), in_words) = tokio::join!(examined(road, "2s"), everbeat(&args));
    assert_eq!(done.code, Some(4), "questions are open: {done:?}");
    for key in ["answers_ping", "echoes_payload", "fragments"] {
        assert_eq!(value(&told, key), true, "{key} in {told:#}");
    }
    for key in ["own_beat", "silent"] {
        assert_eq!(told["findings"][key]["answer"], "not asked", "{told:#}");
    }
    let untried = told["untried"].as_array().unwrap();
    for what in ["a Close with 1000", "a frame without a mask", "version 12", "a silence of 2 s"] {
        let found = untried.iter().find(|untried| untried["what"] == what);
        let why = found.unwrap_or_else(|| panic!("{what} in {told:#}"))["why"].to_string();
        assert!(why.contains("refused"), "{why}");
    }
    // People are told each reason once.
    let said = in_words.out;
    assert_eq!(said.matches("could not be tried").count(), 1, "{said}");
    assert!(said.contains("a Close with 1000, a Close with 4000, a Close with none"), "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_one_tells_what_it_has_found() {
    let (came, mut coming) = watch::channel(0);
    let ear = move |id: u64, _: Direction, _: &[u8]| {
        came.send_modify(|most| *most = id.max(*most));
    };
    let proxy = Proxy::tapped(quiet().await, ear).await.unwrap();
    let running = Running::start(&["--json", "doctor", "--budget", "10m", &url(proxy.address())]);
    // Eleven are for questions; those behind them wait.
    timeout(SOON, coming.wait_for(|&most| most >= 13)).await.unwrap().unwrap();
    let done = running.interrupt().await;
    assert_eq!(done.code, Some(4), "{done:?}");
    let told = done.event("diagnosis");
    assert_eq!(value(&told, "answers_ping"), true, "{told:#}");
    assert_eq!(told["untried"][0]["why"], "interrupted", "{told:#}");
    assert!(!done.err.contains("tries silences"), "{done:?}");
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
    // Before there is anything to tell, it says how long that takes.
    assert!(done.err.starts_with("asks first: ") && done.err.contains("up to 2 s ("), "{done:?}");
}
