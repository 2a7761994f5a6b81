//! actix-ws, with the two tasks a connection of its example.

use std::cell::Cell;
use std::net::TcpListener;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_ws::AggregatedMessage;
use anyhow::Result;

use crate::recipe::patience;

/// Its example's is 128 KiB, and its default 64 KiB, into which a message of 64 KiB does not fit
const LARGEST: usize = 1 << 20;

pub(crate) fn serve(listener: TcpListener, beat: Option<Duration>) -> Result<()> {
    let server = HttpServer::new(move || {
        App::new().app_data(web::Data::new(beat)).route("/feed", web::get().to(upgrade))
    });
    let server = server.workers(1).disable_signals().max_connections(usize::MAX >> 1);
    actix_web::rt::System::new().block_on(server.listen(listener)?.run())?;
    Ok(())
}

async fn upgrade(
    request: HttpRequest,
    body: web::Payload,
    beat: web::Data<Option<Duration>>,
) -> actix_web::Result<HttpResponse> {
    let (response, mut session, stream) = actix_ws::handle(&request, body)?;
    let mut stream =
        stream.max_frame_size(LARGEST).aggregate_continuations().max_continuation_size(LARGEST);
    let heard = Rc::new(Cell::new(Instant::now()));
    if let Some(beat) = **beat {
        let (mut session, heard) = (session.clone(), heard.clone());
        actix_web::rt::spawn(async move {
            let first = actix_web::rt::time::Instant::now() + beat;
            let mut interval = actix_web::rt::time::interval_at(first, beat);
            loop {
                interval.tick().await;
                if session.ping(b"").await.is_err() {
                    return;
                }
                if heard.get().elapsed() > patience(beat) {
                    _ = session.close(None).await;
                    return;
                }
            }
        });
    }
    actix_web::rt::spawn(async move {
        while let Some(Ok(message)) = stream.recv().await {
            heard.set(Instant::now());
            let told = match message {
                AggregatedMessage::Binary(bytes) => session.binary(bytes).await,
                AggregatedMessage::Text(text) => session.text(text).await,
                AggregatedMessage::Ping(bytes) => session.pong(&bytes).await,
                AggregatedMessage::Pong(_) => Ok(()),
                AggregatedMessage::Close(_) => break,
            };
            if told.is_err() {
                return;
            }
        }
        _ = session.close(None).await;
    });
    Ok(response)
}
