mod runtime {
    //! The smallest runtime, included by the examples in the documentation: nobody ever connects,
    //! tasks are dropped, time stands still.

    use std::convert::Infallible;
    use std::future::{Future, Pending, pending};
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use everbeat_core::Spawn;
    use everbeat_core::time::{Instant, Sleep, Timer};
    use everbeat_core::transport::{Accept, Incoming, Outgoing, Transport};

    pub struct Runtime;

    pub fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(output) = polled {
                return output;
            }
        }
    }

    impl<F> Spawn<F> for Runtime {
        fn spawn(&self, future: F) {
            drop(future);
        }
    }

    #[derive(Clone)]
    pub struct Stopped;

    pub struct Never(Pending<()>);

    impl Timer for Stopped {
        type Sleep = Never;
        fn now(&self) -> Instant {
            Instant::ORIGIN
        }
        fn sleep_until(&self, _: Instant) -> Never {
            Never(pending())
        }
    }

    impl Future for Never {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            Pin::new(&mut self.0).poll(cx)
        }
    }

    impl Sleep for Never {
        fn reset(self: Pin<&mut Self>, _: Instant) {}
    }

    pub struct Nobody;

    pub enum Socket {}

    impl Transport for Socket {
        type Error = Infallible;
        fn poll_recv(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Incoming, Infallible>>> {
            match *self {}
        }
        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            match *self {}
        }
        fn start_send(self: Pin<&mut Self>, _: Outgoing) -> Result<(), Infallible> {
            match *self {}
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            match *self {}
        }
        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            match *self {}
        }
        fn abort(self: Pin<&mut Self>) {
            match *self {}
        }
        fn received(&self) -> u64 {
            match *self {}
        }
    }

    impl Accept for Nobody {
        type Transport = Socket;
        type Facts = &'static str;
        type Error = Infallible;
        type Upgrade = Pending<Result<(Self::Transport, &'static str), Infallible>>;

        fn poll_accept(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Result<Self::Upgrade, Infallible>> {
            Poll::Pending
        }
    }
}
