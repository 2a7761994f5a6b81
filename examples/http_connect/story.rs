//! Two servers behind a proxy, and who reaches them.

use std::time::Duration;

use everbeat_tokio::client::{ConnectError, Connector, Hooked};
use everbeat_tokio::core::Client;
use everbeat_tokio::reconnect::Backoff;
use everbeat_tokio::server::Connection;
use everbeat_tokio::transport::tls::{ClientTls, ServerTls};
use everbeat_tokio::transport::{Tcp, TokioTimer};
use everbeat_tokio::{Cause, Event, Message, Server};
use rcgen::{CertifiedKey, generate_simple_self_signed};

use crate::proxy::{PASSWORD, Proxy};
use crate::tunnel::Tunnel;

/// Far more than all of it takes
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A client whose streams a hook opens has a name as well
type Tunnelled = Client<Connector<Hooked<Tcp>>, TokioTimer>;

pub(crate) async fn play() -> Result {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
    let trusted = ClientTls::roots(cert.pem())?;
    let open = serve("ws", None).await?;
    let tls = ServerTls::from_pem(cert.pem(), signing_key.serialize_pem())?;
    let secure = serve("wss", Some(tls)).await?;
    let proxy = Proxy::listen("127.0.0.1:0").await?;
    println!("proxy     listens on {}", proxy.address);

    let stranger = tunnel(&proxy, "Basic bm9ib2R5");
    match connect(&open, stranger, None).await {
        Err(ConnectError::Failed(cause @ Cause::Rejected { status: 407, .. })) => {
            println!("stranger  {cause}");
        }
        Err(other) => return Err(other.into()),
        Ok(_) => return Err("the proxy let in who does not know its password".into()),
    }

    let mut plain = connect(&open, tunnel(&proxy, PASSWORD), None).await?;
    let mut sealed = connect(&secure, tunnel(&proxy, PASSWORD), Some(trusted)).await?;
    talk("ws", &mut plain, "in the open").await?;
    talk("wss", &mut sealed, "sealed, for the proxy too").await?;
    let expected = [open, secure].map(|url| url.split('/').nth(2).unwrap_or_default().to_owned());
    if proxy.opened() != expected {
        return Err(format!("the proxy opened {:?}, not {expected:?}", proxy.opened()).into());
    }

    let address = proxy.address.to_string();
    proxy.stop().await;
    println!("proxy     is gone");
    for (name, client) in [("ws", &mut plain), ("wss", &mut sealed)] {
        println!("{name:<9} {}", broken(client).await?);
    }
    let proxy = Proxy::listen(&address).await?;
    println!("proxy     is back");
    talk("ws", &mut plain, "here again").await?;
    talk("wss", &mut sealed, "here again").await?;
    let opened = proxy.opened().len();
    for client in [&mut plain, &mut sealed] {
        client.close().await;
    }
    if opened != 2 { Err(format!("{opened} tunnels for two clients").into()) } else { Ok(()) }
}

/// An echo on loopback; the URL that names it as only the proxy resolves it
async fn serve(scheme: &str, tls: Option<ServerTls>) -> Result<String> {
    let server = Server::builder()
        .listener(|listener| match tls {
            Some(tls) => listener.tls(tls),
            None => listener,
        })
        .bind("127.0.0.1:0")
        .await?;
    let port = server.acceptor().local_address()?.port();
    tokio::spawn(server.serve(|mut connection: Connection| async move {
        while let Some(message) = connection.recv().await? {
            connection.send(message).await?;
        }
        Ok(())
    }));
    Ok(format!("{scheme}://localhost:{port}/echo"))
}

fn tunnel(proxy: &Proxy, credentials: &str) -> Tunnel {
    let (host, port) = (proxy.address.ip().to_string(), proxy.address.port());
    Tunnel { host, port, credentials: credentials.to_owned() }
}

async fn connect(
    url: &str,
    tunnel: Tunnel,
    trusted: Option<ClientTls>,
) -> std::result::Result<Tunnelled, ConnectError> {
    everbeat_tokio::Client::builder(url)
        .backoff(Backoff::full_jitter(Duration::from_millis(100)..=Duration::from_secs(1)))
        .connector(|websocket| {
            let websocket = match trusted {
                Some(trusted) => websocket.tls(trusted),
                None => websocket,
            };
            websocket.dial(move |dialing| tunnel.clone().open(dialing))
        })
        .connect()
        .await
}

/// Says something and hears it again
async fn talk(name: &str, client: &mut Tunnelled, text: &'static str) -> Result {
    client.send(text).await?;
    loop {
        match client.next().await {
            Some(Event::Message(message)) if message == Message::from(text) => {
                println!("{name:<9} > {message}");
                return Ok(());
            }
            Some(Event::GaveUp(end)) => return Err(end.cause.into()),
            Some(_) => {}
            None => return Err("the client is over".into()),
        }
    }
}

/// How its connection ended
async fn broken(client: &mut Tunnelled) -> Result<Cause> {
    loop {
        match client.next().await {
            Some(Event::Disconnected(end)) => return Ok(end.cause),
            Some(Event::GaveUp(end)) => return Err(end.cause.into()),
            Some(_) => {}
            None => return Err("the client is over".into()),
        }
    }
}
