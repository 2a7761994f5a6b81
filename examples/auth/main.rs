//! Authentication that runs out, and is refreshed in band, while the connection goes on.
//!
//! ```sh
//! cargo run --example auth
//! ```
//!
//! Tokens are good for three seconds. Four peers come to one server:
//!
//! - Kate comes with a token in her request, and sends a fresh one before it runs out: her
//!   connection goes on for as long as she does so.
//! - Fred does not. When his token has run out he is closed with 3000, comes back once with a fresh
//!   one, for his client makes each attempt's request anew, and gives up when that ran out as well.
//! - Paul's page cannot put a header into its request, as no page can; he authenticates by his first
//!   message. Mute never does, and is closed with 3000.
//! - A page of somebody else's is refused by its Origin, whatever token it has.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

mod issuer;
mod peers;
mod server;

use std::sync::Arc;
use std::time::Duration;

use everbeat_tokio::Server;
use everbeat_tokio::server::{Accepted, Connection, Expire, Origins};
use tokio::time::{Instant, timeout};

use issuer::Issuer;

/// How long a token is good for
const GOOD_FOR: Duration = Duration::from_secs(3);
/// How long one may take who comes without a token
const TO_AUTHENTICATE: Duration = Duration::from_secs(1);
/// Whose page it is
const ORIGIN: &str = "https://app.example.com";
/// What a busy machine may add to each of them
const LATENESS: Duration = Duration::from_secs(5);

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result {
    let clock = Clock(Instant::now());
    let issuer = Arc::new(Issuer::default());
    let origins = Origins::only([ORIGIN])?;
    let (at_door, inside) = (issuer.clone(), issuer.clone());
    let server = Server::builder()
        .expire(
            Expire::default()
                .unauthenticated(TO_AUTHENTICATE) // for those who come without a token
                .authentication(GOOD_FOR), // at most; `authenticated_for` says what a token says
        )
        .upgrade(move |request| server::admit(request, at_door.clone()))
        .listener(|listener| listener.origins(origins))
        .bind("127.0.0.1:0")
        .await?
        .on_expire(move |handle, rule| {
            let name = handle.facts().principal.map_or("somebody", |user| user.name);
            clock.tell("server", format_args!("expires {name}: {rule}"));
        });
    let address = server.acceptor().local_address()?;
    clock.tell("server", format_args!("listens on ws://{address}/"));
    let stop = server.handle();
    let serving = tokio::spawn(server.serve_with(
        move |connection: Connection, peer: Accepted<Option<issuer::User>>| {
            server::talk(connection, peer, inside.clone())
        },
    ));

    let at = peers::Place { url: format!("ws://{address}/"), issuer, clock };
    let story = async {
        tokio::try_join!(
            // Until Fred has been closed twice, and longer.
            peers::kate(&at, GOOD_FOR * 3),
            peers::fred(&at),
            peers::paul(&at),
            peers::mute(&at),
            peers::stranger(&at),
        )
    };
    timeout(GOOD_FOR * 3 + LATENESS * 3, story).await.map_err(|_| "somebody hangs")??;
    stop.shutdown();
    clock.tell("server", format_args!("{}", serving.await?));
    Ok(())
}

/// The time since the beginning, in front of each line
#[derive(Clone, Copy, Debug)]
struct Clock(Instant);

impl Clock {
    fn tell(self, who: &str, what: std::fmt::Arguments<'_>) {
        println!("{:4.1} s  {who:<8}  {what}", self.0.elapsed().as_secs_f64());
    }
}
