//! The head of a response, as a client takes it: what tungstenite accepts, but for extensions that
//! nobody asked for; however it is cut, within its limit, and no byte behind it lost.
//!
//! The first byte chooses whether subprotocols are asked for. `Sec-WebSocket-Accept: {key}` becomes
//! one with the right key.

use async_tungstenite::tungstenite::handshake::client::generate_key;
use async_tungstenite::tungstenite::handshake::derive_accept_key;
use async_tungstenite::tungstenite::{self, http};
use everbeat_ws::connect::Request;
use everbeat_ws::upgrade::UpgradeError;
use everbeat_ws::{Role, Settings, WebSocket};
use httparse::{EMPTY_HEADER, Response, Status};

use crate::run::{read_all, read_alone, run};
use crate::wire::{BLOCK, Cuts, HEADS, Wire};

const URL: &str = "ws://example.com/feed";
const ACCEPT: &[u8] = b"Sec-WebSocket-Accept: {key}";

/// Lets a client take `data` for a response and what follows it
///
/// # Panics
///
/// A property does not hold.
pub fn response_head(data: &[u8]) {
    let Some((&choice, answer)) = data.split_first() else {
        return;
    };
    let protocols: &[&str] = if choice & 1 == 0 { &[] } else { &["one", "two"] };
    let oracle = Oracle::new(answer, protocols);
    let mut request = Request::to(URL);
    for protocol in protocols {
        request = request.subprotocol(protocol);
    }
    let request = request.build().expect("a request as any other");
    for max in HEADS {
        let outcomes = Cuts::ALL.map(|cuts| {
            let settings = Settings::default().max_head(max);
            let wire = server(answer, cuts);
            match run(WebSocket::connect(wire.clone(), &request, settings)) {
                Ok(mut websocket) => {
                    oracle.accepted(max);
                    // What came behind is read as if the head had never been
                    let alone = read_alone(oracle.behind(), Role::Client, settings);
                    assert_eq!(read_all(&mut websocket).whole(), alone.whole());
                    "accepted".to_owned()
                }
                Err(error) => {
                    oracle.refused(max, &error);
                    assert!(wire.read() <= max + BLOCK);
                    format!("{error:?}")
                }
            }
        });
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
    }
}

/// Answers with `answer`, and with the right key where its head says so: a key is random, so
/// anywhere else it would make each run another
fn server(answer: &[u8], cuts: Cuts) -> Wire {
    let answer = answer.to_vec();
    Wire::answering(cuts, &answer.clone(), move |asked| {
        let asked = String::from_utf8_lossy(asked);
        let key = asked.split("Sec-WebSocket-Key: ").nth(1).expect("a request with a key");
        let key = key.split("\r\n").next().unwrap_or_default();
        with_key(&answer, &derive_accept_key(key.as_bytes()))
    })
}

fn with_key(answer: &[u8], key: &str) -> Vec<u8> {
    let mut answer = answer.to_vec();
    let head = answer.iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n')).count();
    let end =
        answer[head..].windows(3).position(|ends| ends[0] == b'\n' && ends[1..].contains(&b'\n'));
    let head = &answer[..end.map_or(answer.len(), |end| head + end)];
    if let Some(at) = head.windows(ACCEPT.len()).position(|window| window == ACCEPT) {
        let end = at + ACCEPT.len();
        answer.splice(end - "{key}".len()..end, key.bytes());
    }
    answer
}

/// What tungstenite and httparse make of the same bytes
struct Oracle {
    /// Where the head ends, if httparse finds an end
    end: Option<usize>,
    /// Whether it turns on an extension, which tungstenite lets pass
    extension: bool,
    theirs: Result<(), tungstenite::Error>,
    /// With a key in its place; which one does not matter for what is behind the head
    answer: Vec<u8>,
}

impl Oracle {
    fn new(answer: &[u8], protocols: &[&str]) -> Self {
        let whole = with_key(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let mut headers = [EMPTY_HEADER; 124];
        let mut response = Response::new(&mut headers);
        let end = match response.parse(&whole) {
            Ok(Status::Complete(end)) => Some(end),
            _ => None,
        };
        let named = |header: &httparse::Header<'_>| {
            header.name.eq_ignore_ascii_case("sec-websocket-extensions")
        };
        let extension = response.headers.iter().any(named);
        Self { end, extension, theirs: theirs(answer, protocols), answer: whole }
    }

    fn accepted(&self, max: usize) {
        let end = self.end.expect("accepted a head that has no end for httparse");
        assert!(end <= max, "a head of {end} bytes is over {max}");
        assert!(!self.extension, "accepted an extension");
        if let Err(error) = &self.theirs {
            panic!("accepted what tungstenite refuses: {error}");
        }
    }

    fn behind(&self) -> &[u8] {
        &self.answer[self.end.unwrap_or_default()..]
    }

    fn refused(&self, max: usize, error: &UpgradeError) {
        match (error, self.end, &self.theirs) {
            (UpgradeError::HeadTooLong { .. }, end, _) => {
                let len = end.unwrap_or(self.answer.len());
                assert!(len >= max, "{len} bytes are within {max}");
            }
            (UpgradeError::Status { status, .. }, _, theirs) => match theirs {
                Err(tungstenite::Error::Http(response)) => {
                    assert_eq!(*status, response.status().as_u16());
                    assert_ne!(*status, 101);
                }
                other => panic!("status {status}, but tungstenite says {other:?}"),
            },
            (UpgradeError::Extension, ..) => assert!(self.extension),
            (other, Some(_), Ok(())) => panic!("refused what tungstenite accepts: {other}"),
            (other, _, Err(tungstenite::Error::Http(response))) => {
                panic!("{other} instead of status {}", response.status());
            }
            _ => {}
        }
    }
}

fn theirs(answer: &[u8], protocols: &[&str]) -> Result<(), tungstenite::Error> {
    let mut request = http::Request::builder()
        .uri(URL)
        .header("Host", "example.com")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key());
    if !protocols.is_empty() {
        request = request.header("Sec-WebSocket-Protocol", protocols.join(", "));
    }
    let request = request.body(()).expect("a request as any other");
    match tungstenite::client(request, server(answer, Cuts::Whole)) {
        Ok(_) => Ok(()),
        Err(tungstenite::HandshakeError::Failure(error)) => Err(error),
        Err(tungstenite::HandshakeError::Interrupted(_)) => panic!("the wire never waits"),
    }
}
