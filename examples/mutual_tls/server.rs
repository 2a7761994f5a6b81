//! A server that lets in who shows a certificate of its CA, and takes renewed files while it runs.
//!
//! Make a CA, and a certificate for each end that it signs:
//!
//! ```sh
//! openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=root -days 30 -keyout root.key -out root.pem
//! for who in server client; do
//!     openssl req -newkey rsa:2048 -nodes -subj /CN=$who -keyout $who.key -out $who.csr
//!     echo subjectAltName=DNS:localhost > $who.ext
//!     openssl x509 -req -in $who.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 -extfile $who.ext -out $who.pem
//! done
//! cargo run --example mutual-tls-server -- localhost:9001    # in one terminal
//! cargo run --example mutual-tls-client -- localhost:9001    # in another
//! ```
//!
//! Make `server.pem` anew and press enter: the next client sees it, and who is there stays. Files
//! that cannot be used change nothing, and the server says what is wrong with them.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use everbeat_tokio::Server;
use everbeat_tokio::core::config::ConfigError;
use everbeat_tokio::server::{Accepted, Connection, Reject, Upgrade, UpgradeRequest};
use everbeat_tokio::transport::tls::{Clients, ServerTls};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result {
    let address = std::env::args().nth(1).unwrap_or_else(|| "localhost:9001".into());
    let tls = files()?;
    let serving = tls.clone();
    let server = Server::builder()
        .listener(|listener| listener.tls(tls))
        .upgrade(admit)
        .bind(&address)
        .await?;
    println!("listening on {}", server.acceptor().local_address()?);

    let stop = server.handle();
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdin()).lines();
        while let Ok(Some(_)) = lines.next_line().await {
            match files() {
                Ok(new) => {
                    serving.reload(&new);
                    println!("the next client sees the new files");
                }
                Err(error) => println!("the old ones stay: {error}"),
            }
        }
        stop.shutdown();
    });
    println!("{}", server.serve_with(talk).await);
    Ok(())
}

fn files() -> std::result::Result<ServerTls, ConfigError> {
    ServerTls::from_files("server.pem", "server.key")?.clients(Clients::signed_by_file("root.pem")?)
}

/// Who is known to TLS is let in; for names, give the bytes to a reader of X.509
async fn admit(request: UpgradeRequest) -> std::result::Result<Upgrade<Vec<u8>>, Reject> {
    match request.certificates().next() {
        Some(certificate) => Ok(Upgrade::accept(certificate.to_vec())),
        None => Err(Reject::status(403)),
    }
}

async fn talk(mut connection: Connection, peer: Accepted<Vec<u8>>) -> Result {
    let certificate = peer.facts().principal.len();
    println!("a client came, with a certificate of {certificate} bytes");
    while let Some(message) = connection.recv().await? {
        connection.send(message).await?;
    }
    Ok(())
}
