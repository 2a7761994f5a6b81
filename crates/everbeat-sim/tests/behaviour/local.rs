//! The same core on one thread: a timer that holds an `Rc`, a spawner that asks for no `Send`, and
//! a handler whose state is shared without locks.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use everbeat_core::time::{Instant, Timer};
use everbeat_core::{Client, Event, Spawn};
use everbeat_server::Server;
use everbeat_sim::time::SimSleep;
use everbeat_sim::{Sim, SimHandle, SimTimer};

/// Counts without atomics, so it is not `Send`
#[derive(Clone)]
struct RcTimer(Rc<(SimTimer, Cell<u64>)>);

impl Timer for RcTimer {
    type Sleep = SimSleep;

    fn now(&self) -> Instant {
        self.0.1.set(self.0.1.get() + 1);
        self.0.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> SimSleep {
        self.0.0.sleep_until(deadline)
    }
}

/// Spawns on the thread that it is on
#[derive(Clone)]
struct Here(SimHandle);

impl<F: Future<Output: 'static> + 'static> Spawn<F> for Here {
    fn spawn(&self, future: F) {
        drop(self.0.spawn(future));
    }
}

#[test]
fn a_handler_and_a_timer_that_are_not_send_are_served() {
    let mut sim = Sim::seed(7);
    let timer = RcTimer(Rc::new((sim.timer(), Cell::new(0))));
    let served = Rc::new(Cell::new(0));
    let acceptor = sim.listen("server");
    let server = Server::over(acceptor, timer.clone(), Here(sim.handle()), 7).build().unwrap();
    let count = served.clone();
    sim.spawn(server.serve(move |mut connection| {
        let count = count.clone();
        async move {
            while let Some(message) = connection.recv().await? {
                count.set(count.get() + 1);
                connection.send(message).await?;
            }
            Ok(())
        }
    }));
    let client = Client::over(sim.connector("server"), timer.clone(), 7);
    let talk = async {
        let mut client = client.connect().await.unwrap();
        client.send("over one thread").await.unwrap();
        loop {
            if let Some(Event::Message(message)) = client.next().await {
                return message;
            }
        }
    };
    let heard = sim.block_on(talk, Duration::from_secs(60)).unwrap();
    assert_eq!(heard, "over one thread".into());
    assert_eq!(served.get(), 1);
    assert!(timer.0.1.get() > 0, "nobody read the clock that is not Send");
}
