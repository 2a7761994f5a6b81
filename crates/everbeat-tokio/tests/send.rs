//! What is made on tokio is `Send`, so that any of its threads may run it. Compiled, not run.

use everbeat_tokio::server::Server;
use everbeat_tokio::{Client, client, server, transport};

const fn is_send<T: Send>() {}

const _: () = {
    is_send::<Client>();
    is_send::<client::Connector>();
    is_send::<Server<server::Acceptor, transport::TokioTimer, everbeat_tokio::Tokio>>();
    is_send::<server::Connection>();
    is_send::<transport::WebSocket>();
    is_send::<everbeat_tokio::Connection<transport::WebSocket, transport::TokioTimer>>();
};
