//! fastwebsockets. A frame that is half read is lost with the future that read it, so that reading and
//! ticking are two futures and share the half that writes.

use std::net::TcpListener;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Result;
use fastwebsockets::{FragmentCollectorRead, Frame, OpCode, Payload, WebSocketError, upgrade};
use futures_util::future::select;
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::cell::Cell;
use tokio::sync::Mutex;

use crate::recipe::patience;

pub(crate) async fn serve(listener: TcpListener, beat: Option<Duration>) -> Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request| grant(request, beat));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            _ = connection.with_upgrades().await;
        });
    }
}

async fn grant(
    mut request: Request<Incoming>,
    beat: Option<Duration>,
) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = upgrade::upgrade(&mut request)?;
    tokio::task::spawn_local(async move {
        _ = echo(upgraded, beat).await;
    });
    Ok(response)
}

async fn echo(upgraded: upgrade::UpgradeFut, beat: Option<Duration>) -> Result<(), WebSocketError> {
    let (reader, writer) = upgraded.await?.split(tokio::io::split);
    let (mut reader, writer) = (FragmentCollectorRead::new(reader), Mutex::new(writer));
    let heard = Cell::new(Instant::now());
    let talking = async {
        loop {
            let mut answer = async |frame: Frame<'_>| writer.lock().await.write_frame(frame).await;
            let frame = reader.read_frame(&mut answer).await?;
            heard.set(Instant::now());
            match frame.opcode {
                OpCode::Close => return Ok(()),
                OpCode::Text | OpCode::Binary => {
                    // What was received keeps its mask, which a server must not send.
                    let frame = Frame::new(true, frame.opcode, None, frame.payload);
                    writer.lock().await.write_frame(frame).await?;
                }
                _ => {}
            }
        }
    };
    let beating = async {
        let Some(beat) = beat else { return std::future::pending().await };
        let mut interval = tokio::time::interval_at(tokio::time::Instant::now() + beat, beat);
        loop {
            interval.tick().await;
            if heard.get().elapsed() > patience(beat) {
                return Ok::<_, WebSocketError>(());
            }
            let ping = Frame::new(true, OpCode::Ping, None, Payload::Borrowed(&[]));
            writer.lock().await.write_frame(ping).await?;
        }
    };
    select(pin!(talking), pin!(beating)).await.factor_first().0
}
