//! Both ends of a connection inside actix by hand: what is read and written, and how either ends.

use std::future::poll_fn;
use std::io::{IoSlice, Read};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use actix_web::dev::Payload;
use everbeat_hosted::core::transport::Transport;
use everbeat_ws::{Settings, WebSocket};
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::stream::{self, LocalBoxStream};

use super::*;

fn payload(pieces: Vec<Result<Bytes, PayloadError>>, ends: bool) -> Payload {
    let pieces = stream::iter(pieces);
    let all: LocalBoxStream<'static, _> = match ends {
        true => pieces.boxed_local(),
        false => pieces.chain(stream::pending()).boxed_local(),
    };
    Payload::Stream { payload: all }
}

/// Both ends behind a 101
async fn ends(payload: Payload, socket: Option<Arc<Socket>>) -> (Stream, Body) {
    let (mut body, upgraded) = join(payload, socket);
    let cx = &mut Context::from_waker(std::task::Waker::noop());
    assert!(Pin::new(&mut body).poll_next(cx).is_pending());
    (upgraded.await.unwrap().0, body)
}

/// Far above what it takes, so that only a test that hangs meets it
async fn soon<F: Future>(future: F) -> F::Output {
    rt::time::timeout(Duration::from_secs(10), future).await.unwrap()
}

async fn read(stream: &mut Stream, room: usize) -> io::Result<Vec<u8>> {
    let mut into = vec![0; room];
    let count = soon(poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut into))).await?;
    into.truncate(count);
    Ok(into)
}

async fn next(body: &mut Body) -> Option<io::Result<Bytes>> {
    soon(poll_fn(|cx| Pin::new(&mut *body).poll_next(cx))).await
}

#[actix_web::test]
async fn there_is_no_stream_without_its_answer() {
    let (body, upgraded) = join(payload(Vec::new(), false), None);
    drop(body);
    assert_eq!(soon(upgraded).await.unwrap_err().to_string(), "another answer was sent");
}

#[actix_web::test]
async fn what_is_read_comes_in_any_pieces_and_then_its_end() {
    let pieces = vec![Ok(Bytes::from("hello")), Ok(Bytes::new()), Ok(Bytes::from("you"))];
    let (mut stream, _body) = ends(payload(pieces, true), None).await;
    assert_eq!(read(&mut stream, 4).await.unwrap(), b"hell");
    assert_eq!(read(&mut stream, 9).await.unwrap(), b"o");
    assert_eq!(read(&mut stream, 9).await.unwrap(), b"you");
    assert_eq!(read(&mut stream, 9).await.unwrap(), b"");
}

#[actix_web::test]
async fn a_socket_that_is_gone_is_an_error_both_ways() {
    let gone = payload(vec![Err(PayloadError::Incomplete(None))], false);
    let (mut stream, _body) = ends(gone, None).await;
    let error = read(&mut stream, 9).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let (mut stream, body) = ends(payload(Vec::new(), false), None).await;
    drop(body);
    let written = poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, b"?")).await;
    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[actix_web::test]
async fn a_body_that_is_dropped_ends_who_only_reads_behind_what_had_come() {
    let (mut stream, body) = ends(payload(vec![Ok(Bytes::from("last"))], false), None).await;
    drop(body);
    assert_eq!(read(&mut stream, 9).await.unwrap(), b"last");
    let error = read(&mut stream, 9).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[actix_web::test]
async fn what_is_written_waits_until_it_is_taken() {
    let (mut stream, mut body) = ends(payload(Vec::new(), false), None).await;
    let cx = &mut Context::from_waker(std::task::Waker::noop());
    let slices = [IoSlice::new(b"head"), IoSlice::new(b""), IoSlice::new(b"body")];
    assert!(matches!(Pin::new(&mut stream).poll_write_vectored(cx, &slices), Poll::Ready(Ok(8))));
    assert!(Pin::new(&mut stream).poll_write(cx, b"more").is_pending());
    assert!(Pin::new(&mut stream).poll_flush(cx).is_pending());
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "headbody");
    assert!(Pin::new(&mut stream).poll_flush(cx).is_ready());
    let large = vec![7; (64 << 10) + 1];
    let written = Pin::new(&mut stream).poll_write(cx, &large);
    assert!(matches!(written, Poll::Ready(Ok(65_536))), "{written:?}");
}

#[actix_web::test]
async fn who_closes_ends_the_body_and_who_is_dropped_breaks_it() {
    let (mut stream, mut body) = ends(payload(Vec::new(), false), None).await;
    poll_fn(|cx| Pin::new(&mut stream).poll_close(cx)).await.unwrap();
    assert!(next(&mut body).await.is_none());
    drop(body);
    assert_eq!(read(&mut stream, 9).await.unwrap(), b"", "a close is no cut");
    let (stream, mut body) = ends(payload(Vec::new(), false), None).await;
    drop(stream);
    let broken = next(&mut body).await.unwrap().unwrap_err();
    assert_eq!(broken.kind(), io::ErrorKind::ConnectionAborted);
}

/// A peer, and the socket of ours that was kept
fn kept() -> (TcpStream, Arc<Socket>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    (peer, Arc::new(listener.accept().unwrap().0.into()))
}

#[actix_web::test]
async fn who_is_dropped_ends_the_socket_that_was_kept_and_who_closes_leaves_it_to_actix() {
    let (mut peer, socket) = kept();
    let (stream, mut body) = ends(payload(Vec::new(), false), Some(socket.clone())).await;
    drop(stream);
    assert_eq!(peer.read(&mut [0; 9]).unwrap(), 0);
    assert!(next(&mut body).await.is_none(), "nothing is left that were to be told");

    let (mut peer, socket) = kept();
    let (mut stream, _body) = ends(payload(Vec::new(), false), Some(socket.clone())).await;
    poll_fn(|cx| Pin::new(&mut stream).poll_close(cx)).await.unwrap();
    drop(stream);
    socket.send(b"the last of it").unwrap();
    let mut last = [0; 14];
    peer.read_exact(&mut last).unwrap();
    assert_eq!(&last, b"the last of it");
}

#[actix_web::test]
async fn a_socket_that_was_kept_has_its_options_and_is_not_asked_for_the_road() {
    let (_peer, socket) = kept();
    let (stream, _body) = ends(payload(Vec::new(), false), Some(socket.clone())).await;
    assert!(!socket.tcp_nodelay().unwrap());
    let patience = Duration::from_secs(7);
    let settings = Settings::default().user_timeout(Some(patience));
    let websocket = WebSocket::hosted(stream, settings, Vec::new());
    assert!(socket.tcp_nodelay().unwrap());
    #[cfg(target_os = "linux")]
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(patience));
    assert_eq!(websocket.local_address(), Some([127, 0, 0, 1].into()));
    assert!(websocket.path().is_none());
}
