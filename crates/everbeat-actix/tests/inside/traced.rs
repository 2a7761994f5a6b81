//! A handler runs in the span of its request, though on another thread.

use actix_web::{App, HttpResponse, HttpServer, web};
use everbeat_actix::{Sockets, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing::Instrument;
use tracing::subscriber::set_global_default;

use crate::spans::{ALL, Listener, request, talk};
use crate::support::{ask, asked, frame, masked, soon};

async fn route(upgrade: Upgrade) -> HttpResponse {
    upgrade.on_connection(talk).instrument(request()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_handler_says_is_said_in_the_span_of_its_request() {
    let listener = Listener::default();
    let said = listener.said.clone();
    set_global_default(listener).unwrap();
    let data = web::Data::new(Sockets::<()>::new().unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let app = move || App::new().app_data(data.clone()).route("/", web::get().to(route));
    let http = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
    tokio::spawn(http);
    soon(async {
        let mut peer = TcpStream::connect(address).await.unwrap();
        let answer = asked(&mut peer, &ask("/", &[])).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        assert_eq!(frame(&mut peer).await, (1, b"hello".to_vec()));
        peer.write_all(&masked(1, b"hello")).await.unwrap();
        // Whose handler has returned is let go
        assert!(peer.read_u8().await.is_err());
    })
    .await;
    assert_eq!(*said.lock().unwrap(), ALL);
}
