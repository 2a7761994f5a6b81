//! What is made on smol is `Send`, so that any of its threads may run it. Compiled, not run.

use everbeat_smol::server::Server;
use everbeat_smol::{Client, client, server, transport};

const fn is_send<T: Send>() {}

const _: () = {
    is_send::<Client>();
    is_send::<client::Connector>();
    is_send::<Server<server::Acceptor, transport::SmolTimer, everbeat_smol::Smol>>();
    is_send::<server::Connection>();
    is_send::<transport::WebSocket>();
    is_send::<everbeat_smol::Connection<transport::WebSocket, transport::SmolTimer>>();
};
