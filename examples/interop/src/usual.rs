//! The usual recipe, written as the examples of many libraries have it: a Ping every second, dead if no
//! Pong has come for five. Bare async-tungstenite, a message is one frame; ours is held against it.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result};
use async_tungstenite::client_async;
use async_tungstenite::tungstenite::Message;
use everbeat_core::time::{Sleep, Timer};
use everbeat_smol::Smol;
use everbeat_support::Ticker;
use everbeat_ws::Runtime;
use futures_util::future::{Either, select};
use futures_util::stream::StreamExt;
use smol::net::TcpStream;

use crate::command::{self, Command};
use crate::lateness;
use crate::note::{End, Note};

const INTERVAL: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(5);

/// Ends when it has found its peer dead, or is told nothing more
pub(crate) fn run(url: &str) -> Result<()> {
    smol::block_on(async {
        let measured = lateness::measure(Smol.timer());
        select(pin!(live(url)), pin!(measured)).await.factor_first().0
    })
}

async fn live(url: &str) -> Result<()> {
    let mut commands = command::listen();
    let address = url.strip_prefix("ws://").context("it speaks ws only")?.trim_end_matches('/');
    let (socket, _) = client_async(url, TcpStream::connect(address).await?).await?;
    Note::Connected(true).write();
    let (mut sink, mut source) = socket.split();
    let timer = Smol.timer();

    let writes = async {
        let mut ticker = Ticker::new(timer, INTERVAL);
        loop {
            let tick = pin!(ticker.tick());
            let message = match select(commands.next(), tick).await {
                Either::Left((Some(Command::Send(payload)), _)) => {
                    Message::binary(payload.message()?.as_bytes().to_vec())
                }
                Either::Left(_) => return anyhow::Ok(()),
                Either::Right(_) => Message::Ping(Vec::new().into()),
            };
            sink.send(message).await?;
        }
    };
    let reads = async {
        let mut deadline = pin!(timer.sleep_until(timer.now() + TIMEOUT));
        loop {
            match select(source.next(), deadline.as_mut()).await {
                Either::Left((Some(message), _)) => {
                    if message?.is_pong() {
                        deadline.as_mut().reset(timer.now() + TIMEOUT);
                    }
                }
                Either::Left((None, _)) => return Ok(()),
                Either::Right(((), _)) => {
                    let why = format!("no Pong for {} s", TIMEOUT.as_secs());
                    Note::Closed(End::dead(why)).write();
                    return Ok(());
                }
            }
        }
    };
    select(pin!(writes), pin!(reads)).await.factor_first().0
}
