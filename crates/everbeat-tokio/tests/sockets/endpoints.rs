//! Several URLs over real sockets: whom a client goes to, what its events say, and what cannot be.

use std::time::Duration;

use everbeat_tokio::client::{AttemptError, Connector, Dialing};
use everbeat_tokio::reconnect::{Backoff, Endpoints};
use everbeat_tokio::server::Connection;
use everbeat_tokio::transport::{Attempt, Connect, Several};
use everbeat_tokio::{Client, Event, Request, Server};

use crate::peer::{listener, soon};
use crate::whole::echo;

const STEP: Duration = Duration::from_millis(50);

async fn connected(client: &mut Client) -> usize {
    loop {
        match client.next().await.unwrap() {
            Event::Connected { endpoint, .. } => return endpoint,
            Event::Disconnected(_) | Event::Connecting { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn it_goes_to_the_next_one_and_returns_when_that_one_ends() {
    // A port where nobody listens any more
    let first = listener().await;
    let address = first.local_addr().unwrap();
    drop(first);
    let second = Server::bind("127.0.0.1:0").await.unwrap();
    let spare = format!("ws://{}/spare", second.acceptor().local_address().unwrap());
    let stop = second.handle();
    let serve = |mut connection: Connection| async move {
        while connection.recv().await?.is_some() {}
        Ok(())
    };
    tokio::spawn(second.serve(serve));

    let backoff = Backoff::full_jitter(STEP..=STEP).with_healthy_after(Duration::ZERO);
    let client = Client::builder(&format!("ws://{address}/")).endpoint(&spare).backoff(backoff);
    soon(async {
        let mut client = client.connect().await.unwrap();
        assert_eq!(connected(&mut client).await, 1);
        let preferred = Server::bind(&address.to_string()).await.unwrap();
        tokio::spawn(preferred.serve(serve));
        stop.shutdown();
        let ended = loop {
            if let Some(Event::Disconnected(end)) = client.next().await {
                break end;
            }
        };
        assert_eq!(ended.endpoint, 1);
        // The second is gone as well; the first rests for 15 s at most
        assert_eq!(connected(&mut client).await, 0);
    })
    .await;
}

#[tokio::test]
async fn an_attempt_goes_to_the_url_of_its_endpoint() {
    let (nobody, echo) = (listener().await, echo().await);
    let nobody = format!("ws://{}/", nobody.local_addr().unwrap());
    let mut connector = Connector::new(&nobody).unwrap().and(&echo).unwrap();
    assert_eq!(connector.endpoints(), 2);
    let mut attempt = Attempt::first();
    attempt.endpoint = 1;
    soon(connector.connect(attempt)).await.unwrap();
}

#[tokio::test]
async fn a_request_of_ones_own_is_told_the_endpoint() {
    let echo = echo().await;
    let mut connector = Connector::new("ws://nobody.invalid/")
        .unwrap()
        .and("ws://nobody.invalid/too")
        .unwrap()
        .request(move |attempt| {
            let url = if attempt.endpoint == 1 { echo.clone() } else { "ws://no.invalid/".into() };
            async move { Request::to(url).build() }
        });
    let mut attempt = Attempt::first();
    attempt.endpoint = 1;
    soon(connector.connect(attempt)).await.unwrap();
}

#[tokio::test]
async fn endpoints_can_be_added_behind_a_dial_hook_which_is_told_their_hosts() {
    let echo = echo().await;
    let gate = echo.trim_start_matches("ws://").split(['/', ':']).map(str::to_owned);
    let [host, port] = &gate.take(2).collect::<Vec<_>>()[..] else { panic!("{echo}") };
    let (host, port) = (host.clone(), port.parse().unwrap());
    let client = Client::builder("ws://first.invalid/")
        .connector(|websocket| {
            websocket.dial(move |dialing: Dialing| {
                let host = host.clone();
                async move {
                    if dialing.host() == "first.invalid" {
                        return Err(AttemptError::Hook("not here".into()));
                    }
                    assert_eq!(dialing.host(), "second.invalid");
                    dialing.tcp(&host, port).await
                }
            })
        })
        .endpoint("ws://second.invalid/")
        .backoff(Backoff::full_jitter(STEP..=STEP));
    let mut client = soon(client.connect()).await.unwrap();
    let Some(Event::Connected { endpoint, .. }) = soon(client.next()).await else { panic!() };
    assert_eq!(endpoint, 1);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_is_told_when_the_client_is_built() {
    let error =
        Client::builder("ws://a.example/").endpoint("http://b.example/").build().unwrap_err();
    assert_eq!(error.setting(), "url");
    let error =
        Client::builder("wss://a.example/").endpoint("ws://b.example/").build().unwrap_err();
    assert!(error.setting() == "endpoint" && error.to_string().contains("TLS"), "{error}");
    Client::builder("ws://a.example/").endpoint("wss://b.example/").build().unwrap();

    let many = |count| {
        let builder = Client::builder("ws://a.example/");
        (1..count).fold(builder, |builder, _| builder.endpoint("ws://b.example/")).build()
    };
    many(Endpoints::MOST).unwrap();
    let error = many(Endpoints::MOST + 1).unwrap_err();
    assert!(error.setting() == "endpoint" && error.to_string().contains("16"), "{error}");
}
