//! The clients: each connects, and then has nothing to say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use everbeat_core::time::Timer;
use everbeat_core::{Client, Event, Spawn};
use everbeat_ws::{Connector, Runtime};

use crate::runtimes::Task;
use crate::say;

/// How many connect in a second: so many that it does not take long, so few that nobody waits
const A_SECOND: u32 = 500;

/// So many clients of one server
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
}

impl Crowd {
    pub(crate) async fn come<R: Runtime + Spawn<Task>>(self) {
        let timer = R::default().timer();
        let missing = Arc::new(AtomicUsize::new(self.connections));
        for _ in 0..self.connections {
            let client: Task = Box::pin(idle::<R>(self.address, missing.clone()));
            R::default().spawn(client);
            timer.sleep_until(timer.now() + Duration::from_secs(1) / A_SECOND).await;
        }
    }
}

/// One client; whatever happens behind the first connection is told as a loss
async fn idle<R: Runtime>(address: SocketAddr, missing: Arc<AtomicUsize>) {
    let url = format!("ws://{address}/");
    let client = Client::<Connector<R>, R::Timer>::builder(&url).retry_first(true).build();
    let mut client = match client {
        Ok(client) => client,
        Err(error) => return say(format_args!("lost {error}")),
    };
    let mut up = false;
    while let Some(event) = client.next().await {
        match event {
            Event::Connected { .. } if !up => {
                up = true;
                if missing.fetch_sub(1, Ordering::AcqRel) == 1 {
                    say("connected");
                }
            }
            Event::Connecting { .. } if !up => {}
            event => say(format_args!("lost {event:?}")),
        }
    }
}
