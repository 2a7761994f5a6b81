//! A chat with rooms, in which a member falls silent and the room is told.
//!
//! Ann, Ben and Cleo meet in the lobby, Dora sits in the kitchen. Ann's program freezes: her socket
//! stays open, and her kernel goes on acknowledging what it is sent. Nothing but the Ping that she
//! does not answer tells that she is gone; the server expires her within the time it promises,
//! and [`on_expire`](everbeat_server::Server::on_expire) announces it to her room. Dora hears none of it.
//!
//! It is the same at every server: everbeat's own (`native`, on three runtimes), and one inside axum,
//! hyper or whatever else has the members come in.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::fmt::Display;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::cause::Expired;
use everbeat_core::time::{Instant, Timer};
use everbeat_server::ConnectionHandle;
use everbeat_ws::Runtime;
use futures_util::future::{Either, select, try_join};

use crate::member::{Member, frozen};
use crate::room::{Who, announce};

/// Within how long the room knows
pub(crate) const PROMISE: Duration = Duration::from_secs(3);
/// What a busy machine may add to it
const LATENESS: Duration = Duration::from_secs(5);
/// Far more than the story takes
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Plays the story at a server that listens there, and stops it; an error if it went otherwise
pub(crate) async fn play<R: Runtime, S: Display>(
    clock: &Clock<R>,
    server: SocketAddr,
    served: impl Future<Output = Result<S>>,
    stop: impl FnOnce(),
) -> Result {
    clock.tell("server", &format!("listens on ws://{server}/ROOM/NAME"));
    let story = async {
        let ended = meet::<R>(server, clock).await;
        stop();
        ended
    };
    let told = pin!(try_join(served, story));
    let (served, ()) = match select(told, pin!(clock.wait(PATIENCE))).await {
        Either::Left((told, _)) => told?,
        Either::Right(_) => return Err("the story did not come to its end".into()),
    };
    clock.tell("server", &served.to_string());
    Ok(())
}

/// Tells the room of a member that the server has expired
pub(crate) fn tell_of<R: Runtime>(
    clock: &Clock<R>,
) -> impl Fn(&ConnectionHandle<Who>, Expired) + Send + Sync + 'static + use<R> {
    let clock = clock.clone();
    move |member, rule| {
        // The handle knows more than the rule's name: why, and on what evidence.
        let why = member.cause().unwrap_or(Cause::Expired(rule));
        let name = &member.facts().principal.name;
        clock.tell("server", &format!("expires {name}: {rule}"));
        announce(member, format!("{name} is gone: {why}"));
    }
}

async fn meet<R: Runtime>(server: SocketAddr, clock: &Clock<R>) -> Result {
    let mut dora = Member::join(server, "kitchen", "dora", clock).await?;
    dora.wait_for("dora is here").await?;
    let mut ben = Member::join(server, "lobby", "ben", clock).await?;
    let mut cleo = Member::join(server, "lobby", "cleo", clock).await?;
    let ann = frozen::<R>(server, "lobby", "ann").await?;
    let silent_since = clock.now();

    let ben = async {
        ben.wait_for("ann is here").await?;
        ben.say("hello, ann").await?;
        let news = ben.wait_for("ann is gone: dead").await?;
        let took = clock.now().saturating_duration_since(silent_since);
        ben.wait_for("cleo left").await?;
        ben.leave().await?;
        Ok((news, took))
    };
    let cleo = async {
        let news = cleo.wait_for("ann is gone: dead").await?;
        cleo.leave().await?;
        Result::Ok(news)
    };
    // Whoever is not awaited answers no Ping, so all three listen at the same time.
    let lobby = pin!(try_join(ben, cleo));
    let ((of_ben, took), of_cleo) = match select(lobby, pin!(dora.hear())).await {
        Either::Left((heard, _)) => heard?,
        Either::Right((heard, _)) => {
            return Err(format!("the kitchen heard what is the lobby's: {:?}", heard?).into());
        }
    };
    drop(ann);
    dora.leave().await?;
    if of_ben != of_cleo {
        return Err("two members of one room heard different things".into());
    }
    clock.tell("", &format!("the promise is {PROMISE:.1?}, and it took {took:.1?}"));
    if took > PROMISE + LATENESS {
        return Err("the room knew too late".into());
    }
    Ok(())
}

/// The time since the beginning, in front of each line
pub(crate) struct Clock<R: Runtime> {
    timer: R::Timer,
    began: Instant,
}

impl<R: Runtime> Clock<R> {
    pub(crate) fn start() -> Self {
        let timer = R::default().timer();
        Self { began: timer.now(), timer }
    }

    fn now(&self) -> Instant {
        self.timer.now()
    }

    async fn wait(&self, time: Duration) {
        self.timer.sleep_until(self.now() + time).await;
    }

    pub(crate) fn tell(&self, who: &str, what: &str) {
        let time = self.now().saturating_duration_since(self.began);
        println!("{:4.1} s  {who:<6}  {what}", time.as_secs_f64());
    }
}

impl<R: Runtime> Clone for Clock<R> {
    fn clone(&self) -> Self {
        Self { timer: self.timer.clone(), began: self.began }
    }
}
