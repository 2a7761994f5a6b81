//! The chat inside an application of actix-web's: see `story`, which is the same at every server.
//!
//! ```sh
//! cargo run --example chat-actix
//! ```

mod member;
mod room;
mod story;

use std::net::TcpListener;

use actix_web::{App, HttpResponse, HttpServer, web};
use everbeat_actix::server::Expire;
use everbeat_actix::{Requests, Sockets, Upgrade};
use everbeat_tokio::Tokio;
use tokio::sync::oneshot;

use room::{Name, sit};
use story::{Clock, PROMISE};

/// `/lobby/ann`
async fn enter(path: web::Path<(String, String)>, upgrade: Upgrade<Name>) -> HttpResponse {
    let (room, name) = path.into_inner();
    upgrade.on_connection_as(Name { room, name }, sit).await
}

#[tokio::main]
async fn main() -> story::Result {
    let clock = Clock::<Tokio>::start();
    let server = Requests::new().server()?.expire(Expire::default().silent(PROMISE)).build()?;
    let sockets = Sockets::over(server.on_expire(story::tell_of(&clock)))?;

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let data = web::Data::new(sockets.clone());
    let app =
        move || App::new().app_data(data.clone()).route("/{room}/{name}", web::get().to(enter));
    let stopping = sockets.clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let http = HttpServer::new(app)
        .workers(2)
        .on_connect(everbeat_actix::on_connect)
        .shutdown_signal(async move {
            stopping.stop_on(stopped).await;
            // actix tells its connections nothing, and would wait for them: they are over before it stops
            stopping.closed().await;
        })
        .listen(listener)?
        .run();
    let served = async {
        http.await?;
        Ok(sockets.closed().await)
    };
    story::play(&clock, address, served, || drop(stop)).await
}
