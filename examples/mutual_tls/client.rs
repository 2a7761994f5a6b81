//! A client that shows a certificate: see the server beside it.
//!
//! ```sh
//! cargo run --example mutual-tls-client              # shows client.pem
//! cargo run --example mutual-tls-client -- nobody    # shows nothing, and is told so
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use everbeat_tokio::transport::tls::ClientTls;
use everbeat_tokio::{Client, Event};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result {
    let mut tls = ClientTls::roots_file("root.pem")?;
    if std::env::args().nth(1).is_none() {
        tls = tls.identity_files("client.pem", "client.key")?;
    }
    let mut client =
        Client::builder("wss://localhost:9001/").connector(|it| it.tls(tls)).connect().await?;
    while let Some(event) = client.next().await {
        match event {
            Event::Connected { .. } => client.send("hello").await?,
            Event::Message(message) => {
                println!("{message}");
                client.close().await;
            }
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
