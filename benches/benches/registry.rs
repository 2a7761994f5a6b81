//! What does it cost to find one of many connections, to say something to all, and to ask how all are?

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use everbeat_benches::StandingTimer;
use everbeat_core::time::Instant;
use everbeat_core::transport::{Accept, Incoming, Outgoing, Transport};
use everbeat_core::{Message, Spawn};
use everbeat_server::{Limits, Registry, Server};

const SEED: u64 = 7;
/// More would take the CI, which runs each once and unoptimised, minutes
const SIZES: [usize; 2] = [1_000, 10_000];
const KIB: usize = 1 << 10;

/// A socket that takes everything and says nothing
struct Sink;

impl Transport for Sink {
    type Error = Infallible;

    fn poll_recv(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, Infallible>>> {
        Poll::Pending
    }

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), Infallible> {
        black_box(outgoing);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn abort(self: Pin<&mut Self>) {}

    fn received(&self) -> u64 {
        0
    }
}

/// Lets so many in, at once
struct Door(usize);

impl Accept for Door {
    type Transport = Sink;
    type Facts = ();
    type Request = ();
    type Error = Infallible;
    type Upgrade = Ready<Result<(Sink, (), ()), Infallible>>;

    fn poll_accept(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Result<Self::Upgrade, Infallible>> {
        let Some(left) = self.0.checked_sub(1) else { return Poll::Pending };
        self.0 = left;
        Poll::Ready(Ok(ready(Ok((Sink, (), ())))))
    }
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// All tasks, each of which is polled when all are
#[derive(Clone, Default)]
struct Tasks(Rc<RefCell<Vec<Task>>>);

impl<F: Future<Output = ()> + 'static> Spawn<F> for Tasks {
    fn spawn(&self, future: F) {
        self.0.borrow_mut().push(Box::pin(future));
    }
}

impl Tasks {
    fn poll_all(&self) {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut all = self.0.take();
        all.retain_mut(|task| task.as_mut().poll(cx).is_pending());
        all.append(&mut self.0.borrow_mut());
        self.0.replace(all);
    }
}

/// A server with so many connections, and the tasks that they are
fn crowd(size: usize) -> (Registry<()>, Tasks) {
    let tasks = Tasks::default();
    let server = Server::over(Door(size), StandingTimer::new(), tasks.clone(), SEED)
        .limits(Limits::default().connections(size))
        .build();
    let Ok(server) = server else { panic!("nothing here cannot be") };
    let registry = server.registry();
    let serving = server.serve(|mut connection| async move {
        while connection.recv().await?.is_some() {}
        Ok(())
    });
    tasks.spawn(async move {
        _ = serving.await;
    });
    while registry.len() < size {
        tasks.poll_all();
    }
    tasks.poll_all();
    (registry, tasks)
}

/// A message that is left in every mailbox, and everybody's turn to send it
fn to_all(c: &mut Criterion) {
    let mut group = c.benchmark_group("registry/to all");
    group.sample_size(10);
    for size in SIZES {
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            let (registry, tasks) = crowd(size);
            let message = Message::Binary(Bytes::from(vec![7; KIB]));
            b.iter(|| {
                let Ok(left) = registry.send_all(message.clone()) else { panic!("it is small") };
                assert!(left.is_empty());
                tasks.poll_all();
            });
        });
    }
    group.finish();
}

/// One of them by its number
fn find(c: &mut Criterion) {
    let mut group = c.benchmark_group("registry/find");
    for size in SIZES {
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            let (registry, _tasks) = crowd(size);
            let ids = registry.handles().iter().map(|handle| handle.id()).collect::<Vec<_>>();
            let mut rng = fastrand::Rng::with_seed(SEED);
            b.iter(|| black_box(registry.get(ids[rng.usize(..ids.len())])));
        });
    }
    group.finish();
}

/// How all are, in percentiles
fn percentiles(c: &mut Criterion) {
    let mut group = c.benchmark_group("registry/percentiles");
    group.sample_size(10);
    for size in SIZES {
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            let (registry, _tasks) = crowd(size);
            b.iter(|| black_box(registry.percentiles(Instant::ORIGIN)));
        });
    }
    group.finish();
}

criterion_group!(benches, to_all, find, percentiles);
criterion_main!(benches);
