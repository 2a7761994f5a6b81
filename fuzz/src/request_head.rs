//! The head of a request, as a server takes it: accepted or refused as its parsers would, however it
//! is cut, within its limit, and no byte behind it lost.

use async_tungstenite::tungstenite;
use async_tungstenite::tungstenite::handshake::derive_accept_key;
use async_tungstenite::tungstenite::handshake::server::{self, Callback, ErrorResponse};
use async_tungstenite::tungstenite::http::{HeaderMap, Uri};
use everbeat_ws::upgrade::{RequestHead, UpgradeError};
use everbeat_ws::{Role, Settings, WebSocket};
use httparse::{EMPTY_HEADER, Request, Response, Status};

use crate::run::{read_all, read_alone, run};
use crate::wire::{BLOCK, Cuts, HEADS, Wire};

/// What a server reads of a refused request, so that its answer is not reset
const DRAINED: usize = (64 << 10) + BLOCK;

/// Lets a server take `data` for a request and what follows it
///
/// # Panics
///
/// A property does not hold.
pub fn request_head(data: &[u8]) {
    let oracle = Oracle::new(data);
    for max in HEADS {
        let outcomes = Cuts::ALL.map(|cuts| outcome(data, &oracle, max, cuts));
        // Whether bytes are early is told by whether they came with the head; but for that, how the
        // same bytes are cut does not matter
        let mut outcomes = outcomes.into_iter().filter(|outcome| outcome != "EarlyBytes");
        let first = outcomes.next();
        assert!(outcomes.all(|outcome| Some(&outcome) == first.as_ref()), "{first:?}");
    }
}

/// Lets a server take it once
fn outcome(data: &[u8], oracle: &Oracle, max: usize, cuts: Cuts) -> String {
    let settings = Settings::default().max_head(max);
    let wire = Wire::new(data, cuts);
    match run(WebSocket::accept(wire.clone(), settings)) {
        Ok((mut websocket, head)) => {
            oracle.accepted(max, cuts, &head, &wire.written());
            // What came behind is read as if the head had never been
            let alone = read_alone(&data[oracle.end()..], Role::Server, settings);
            assert_eq!(read_all(&mut websocket).whole(), alone.whole());
            "accepted".to_owned()
        }
        Err(error) => {
            oracle.refused(max, cuts, &error);
            answered(&error, &wire);
            assert!(wire.read() <= max + BLOCK + DRAINED);
            format!("{error:?}")
        }
    }
}

/// What tungstenite and httparse make of the same bytes
struct Oracle {
    /// Where the head ends, if httparse finds an end
    end: Option<usize>,
    /// What tungstenite makes of the head alone
    theirs: Result<Theirs, String>,
    len: usize,
}

struct Theirs {
    path: String,
    query: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    written: Vec<u8>,
}

impl Theirs {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.headers.iter().filter(move |(other, _)| other == name);
        lines.map(|(_, value)| &**value)
    }

    /// RFC 9112, section 3.2
    fn hosts(&self) -> usize {
        self.all("host").count()
    }

    /// Whether the request announces any (RFC 9112, section 6.3)
    fn has_content(&self) -> bool {
        let mut lengths = self.all("content-length");
        lengths.any(|length| length != b"0") || self.all("transfer-encoding").next().is_some()
    }
}

impl Oracle {
    fn new(data: &[u8]) -> Self {
        let mut headers = [EMPTY_HEADER; 124];
        let end = match Request::new(&mut headers).parse(data) {
            Ok(Status::Complete(end)) => Some(end),
            _ => None,
        };
        Self { end, theirs: theirs(&data[..end.unwrap_or(data.len())]), len: data.len() }
    }

    fn end(&self) -> usize {
        self.end.expect("accepted a head that has no end for httparse")
    }

    fn accepted(&self, max: usize, cuts: Cuts, head: &RequestHead, written: &[u8]) {
        assert!(cuts != Cuts::Whole || self.end == Some(self.len), "it did not wait to be granted");
        assert!(self.end() <= max, "a head of {} bytes is over {max}", self.end());
        let theirs = match &self.theirs {
            Ok(theirs) => theirs,
            Err(error) => panic!("accepted what tungstenite refuses: {error}"),
        };
        assert_eq!(theirs.hosts(), 1);
        assert!(!theirs.has_content());
        assert_eq!(head.path(), theirs.path);
        assert_eq!(head.query(), theirs.query.as_deref());
        for (name, _) in &theirs.headers {
            let first = theirs.headers.iter().find(|(other, _)| other == name);
            let first = first.and_then(|(_, value)| text(value));
            assert_eq!(head.header(name), first, "{name}");
        }
        assert_eq!(written, theirs.written);
        let key = head.header("Sec-WebSocket-Key").expect("tungstenite wants a key");
        let answer = String::from_utf8_lossy(written).to_lowercase();
        let accept = format!("sec-websocket-accept: {}\r\n", derive_accept_key(key.as_bytes()));
        assert!(answer.starts_with("http/1.1 101 ") && answer.contains(&accept.to_lowercase()));
        // Neither the query nor a value, which may be secrets
        let mut names: Vec<_> = theirs.headers.iter().map(|(name, _)| name).collect();
        names.dedup();
        let (shown, path) = (format!("{head:?}"), &theirs.path);
        assert_eq!(shown, format!("RequestHead {{ path: {path:?}, headers: {names:?}, .. }}"));
    }

    fn refused(&self, max: usize, cuts: Cuts, error: &UpgradeError) {
        let (Some(end), Ok(theirs)) = (self.end, &self.theirs) else {
            return;
        };
        match error {
            UpgradeError::HeadTooLong { .. } => assert!(end > max, "{end} bytes are within {max}"),
            // Whether they are early is told by whether they came with the head
            UpgradeError::EarlyBytes => assert!(end < self.len && cuts != Cuts::Bytes),
            // What tungstenite does not look at
            UpgradeError::Header("Host") => assert_ne!(theirs.hosts(), 1),
            UpgradeError::Content => assert!(theirs.has_content()),
            other => panic!("refused what tungstenite accepts: {other}"),
        }
    }
}

/// A header's value as text, as the `http` crate has it
fn text(value: &[u8]) -> Option<&str> {
    let visible = |&byte: &u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    value.iter().all(visible).then(|| std::str::from_utf8(value).ok()).flatten()
}

fn theirs(head: &[u8]) -> Result<Theirs, String> {
    let wire = Wire::new(head, Cuts::Whole);
    let mut keep = Keep(None);
    tungstenite::accept_hdr(wire.clone(), &mut keep).map_err(|error| error.to_string())?;
    let (uri, headers) = keep.0.ok_or("no request was seen")?;
    let pairs =
        headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
    Ok(Theirs {
        path: uri.path().to_owned(),
        query: uri.query().map(ToOwned::to_owned),
        headers: pairs.collect(),
        written: wire.written(),
    })
}

struct Keep(Option<(Uri, HeaderMap)>);

impl Callback for &mut Keep {
    fn on_request(
        self,
        request: &server::Request,
        response: server::Response,
    ) -> Result<server::Response, ErrorResponse> {
        self.0 = Some((request.uri().clone(), request.headers().clone()));
        Ok(response)
    }
}

/// A refusal is one whole HTTP answer, and the end
fn answered(error: &UpgradeError, wire: &Wire) {
    let written = wire.written();
    if matches!(error, UpgradeError::End | UpgradeError::Io(_)) {
        assert!(written.is_empty(), "nobody is there to be answered");
        return;
    }
    let mut headers = [EMPTY_HEADER; 16];
    let mut response = Response::new(&mut headers);
    let Ok(Status::Complete(end)) = response.parse(&written) else {
        panic!("no HTTP: {}", String::from_utf8_lossy(&written));
    };
    let code = response.code.unwrap_or_default();
    assert!((400..500).contains(&code), "status {code}");
    let length = response.headers.iter().find(|header| header.name == "Content-Length");
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    assert_eq!(length, Some(written.len() - end));
    assert!(wire.is_closed());
}
