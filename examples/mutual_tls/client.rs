//! A client that shows a certificate: see the server beside it.
//!
//! ```sh
//! cargo run --example mutual-tls-client -- localhost:9001           # shows client.pem
//! cargo run --example mutual-tls-client -- localhost:9001 nobody    # shows nothing, and is told so
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use everbeat_tokio::transport::tls::ClientTls;
use everbeat_tokio::{Client, Event};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result {
    let mut words = std::env::args().skip(1);
    let address = words.next().unwrap_or_else(|| "localhost:9001".into());
    let mut tls = ClientTls::roots_file("root.pem")?;
    if words.next().is_none() {
        tls = tls.identity_files("client.pem", "client.key")?;
    }
    let mut client =
        Client::builder(&format!("wss://{address}/")).connector(|it| it.tls(tls)).connect().await?;
    while let Some(event) = client.next().await {
        match event {
            Event::Connected { .. } => client.send("hello").await?,
            Event::Message(message) => {
                println!("> {message}");
                client.close().await;
            }
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
