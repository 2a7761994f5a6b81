//! What is made on async-std is `Send`, so that any of its threads may run it. Compiled, not run.

use everbeat_async_std::server::Server;
use everbeat_async_std::{Client, client, server, transport};

const fn is_send<T: Send>() {}

const _: () = {
    is_send::<Client>();
    is_send::<client::Connector>();
    is_send::<Server<server::Acceptor, transport::AsyncStdTimer, everbeat_async_std::AsyncStd>>();
    is_send::<server::Connection>();
    is_send::<transport::WebSocket>();
    is_send::<everbeat_async_std::Connection<transport::WebSocket, transport::AsyncStdTimer>>();
};
