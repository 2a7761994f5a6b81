//! What a peer is answered that a hook does not let in, byte by byte, and what no hook can answer.

use everbeat_core::Cause;
use everbeat_ws::upgrade::{Reject, Upgrade, UpgradeError};

use crate::hook::{Answer, answering, ask, error, settings};

#[test]
fn a_rejection_is_told_with_its_status_headers_and_text() {
    let cases: [(Answer, u16, &str); 8] = [
        (
            || Err(Reject::status(401).header("WWW-Authenticate", "Bearer").body("who?")),
            401,
            "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nwww-authenticate: Bearer\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nwho?",
        ),
        (
            || Err(Reject::status(404)),
            404,
            "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            || Err(Reject::status(599).header("Content-Type", "application/json").body("{}")),
            599,
            "HTTP/1.1 599 Rejected\r\nConnection: close\r\ncontent-type: application/json\r\n\
             Content-Length: 2\r\n\r\n{}",
        ),
        (
            || Err(Reject::status(307).header("Location", "https://a/")),
            307,
            "HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nlocation: https://a/\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            // A body may look like a head: its length says that it is none
            || Err(Reject::status(400).body("\r\n\r\nHTTP/1.1 101 X")),
            400,
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: 18\r\n\r\n\
             \r\n\r\nHTTP/1.1 101 X",
        ),
        (
            || Err(Reject::status(426)),
            426,
            "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\n\
             Upgrade: websocket\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: 0\r\n\r\n",
        ),
        (
            // It has no content, so what says that it has is left out
            || Err(Reject::status(304).header("ETag", "\"a\"").body("HTTP/1.1 200 OK\r\n\r\n")),
            304,
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\netag: \"a\"\r\n\r\n",
        ),
        (
            || Err(Reject::status(403).header("A", " \t").header("a", "b")),
            403,
            "HTTP/1.1 403 Forbidden\r\nConnection: close\r\na:  \t\r\na: b\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n",
        ),
    ];
    for (answer, status, expected) in cases {
        let (told, accepted) = ask(settings().upgrade(answering(answer)), "");
        assert_eq!(told, expected);
        let error = error(accepted);
        assert!(matches!(error, UpgradeError::Rejected(_)), "{error:?}");
        assert_eq!(error.classify(), Cause::Rejected { status, retry_after: None });
    }
}

#[test]
fn what_a_hook_cannot_answer_is_its_own_mistake() {
    let cases: [(Answer, &str); 32] = [
        (|| Ok(Upgrade::accept(()).subprotocol("never asked for")), "never asked for"),
        (|| Ok(Upgrade::accept(()).subprotocol("CHAT")), "CHAT"),
        (|| Ok(Upgrade::accept(()).subprotocol("v2, chat")), "v2, chat"),
        (|| Ok(Upgrade::accept(()).subprotocol("")), "\"\""),
        (|| Ok(Upgrade::accept(()).header("A", "b\r\nSet-Cookie: c")), "header a"),
        (|| Ok(Upgrade::accept(()).header("A", "b\nSet-Cookie: c")), "header a"),
        (|| Ok(Upgrade::accept(()).header("A", "b\rSet-Cookie: c")), "header a"),
        (|| Ok(Upgrade::accept(()).header("A", "b\0")), "header a"),
        (|| Ok(Upgrade::accept(()).header("A", "\u{e9}")), "header a"),
        (|| Ok(Upgrade::accept(()).header("A\r\nB", "c")), "names no header"),
        (|| Ok(Upgrade::accept(()).header("A B", "c")), "names no header"),
        (|| Ok(Upgrade::accept(()).header("", "c")), "names no header"),
        (|| Ok(Upgrade::accept(()).header("Upgrade", "h2c")), "upgrade"),
        (|| Ok(Upgrade::accept(()).header("Connection", "close")), "connection"),
        (|| Ok(Upgrade::accept(()).header("Keep-Alive", "timeout=9")), "keep-alive"),
        (|| Ok(Upgrade::accept(()).header("Content-Length", "3")), "content-length"),
        (|| Ok(Upgrade::accept(()).header("Sec-WebSocket-Accept", "x")), "sec-websocket-accept"),
        (|| Ok(Upgrade::accept(()).header("SEC-WEBSOCKET-PROTOCOL", "v2")), "the handshake's own"),
        (|| Ok(Upgrade::accept(()).header("Sec-WebSocket-Extensions", "x")), "the handshake's own"),
        (|| Err(Reject::status(0)), "status 0"),
        (|| Err(Reject::status(101)), "status 101"),
        (|| Err(Reject::status(200)), "status 200"),
        (|| Err(Reject::status(204)), "status 204"),
        (|| Err(Reject::status(299)), "status 299"),
        (|| Err(Reject::status(600)), "status 600"),
        (|| Err(Reject::status(300)), "Location"),
        (|| Err(Reject::status(302).header("X-Location", "/")), "Location"),
        (|| Err(Reject::status(401).header("Content-Length", "0")), "content-length"),
        (|| Err(Reject::status(401).header("Transfer-Encoding", "chunked")), "transfer-encoding"),
        (|| Err(Reject::status(401).header("Trailer", "A")), "trailer"),
        (|| Err(Reject::status(401).header("A", "b\r\n\r\nHTTP/1.1 101 X")), "header a"),
        (|| Err(Reject::status(401).header("A", "\u{e9}")), "header a"),
    ];
    for (answer, word) in cases {
        let settings = settings().upgrade(answering(answer));
        let (text, accepted) = ask(settings, "Sec-WebSocket-Protocol: v2, chat\r\n");
        assert!(text.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{word}: {text}");
        assert!(
            text.ends_with("\r\n\r\nthe server could not decide about the request\n"),
            "{text}"
        );
        let error = error(accepted);
        assert!(matches!(error, UpgradeError::Answer { .. }), "{word}: {error:?}");
        assert!(error.to_string().contains(word), "{error} does not say {word}");
        assert_eq!(error.classify(), Cause::Rejected { status: 500, retry_after: None });
    }
}
