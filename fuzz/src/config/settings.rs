//! The builders' settings, each possible or not by the words of its documentation.

use std::future::{Pending, pending};
use std::io;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_core::Client;
use everbeat_core::client::Queue;
use everbeat_core::config::{ConfigError, defaults};
use everbeat_core::reconnect::Backoff;
use everbeat_core::time::{Instant, Sleep, Timer};
use everbeat_core::transport::{Accept, Attempt, Connect};
use everbeat_server::{Expire, Limits, Server};
use everbeat_ws::{Settings, WebSocket};

use super::{LONGEST, SHORTEST};
use crate::draw::Draw;
use crate::wire::Wire;

/// Settings that were asked for, and which of them cannot be
#[derive(Default)]
struct Asked {
    impossible: Vec<&'static str>,
}

impl Asked {
    fn of<T: Copy>(&mut self, setting: &'static str, value: T, possible: impl Fn(T) -> bool) -> T {
        if !possible(value) {
            self.impossible.push(setting);
        }
        value
    }

    fn within(
        &mut self,
        setting: &'static str,
        value: Duration,
        possible: RangeInclusive<Duration>,
    ) -> Duration {
        self.of(setting, value, |value| possible.contains(&value))
    }

    /// Taken if everything is possible, otherwise refused with the name of something that is not
    fn judge<T>(&self, built: Result<T, ConfigError>) {
        match built {
            Ok(_) => assert!(self.impossible.is_empty(), "taken: {:?}", self.impossible),
            Err(error) => {
                let (setting, told) = (error.setting(), error.to_string());
                assert!(self.impossible.contains(&setting), "{told}: {:?}", self.impossible);
                assert!(told.starts_with(&format!("`{setting}` ")) && told.len() < 200, "{told}");
            }
        }
    }
}

pub(super) fn client(draw: &mut Draw<'_>) {
    let mut asked = Asked::default();
    let possible = SHORTEST..=LONGEST;
    let transport = transport(draw, &mut asked);
    let mut builder = Client::over(Nowhere(transport), Frozen, draw.u64());
    if let Some(interval) = draw.maybe(Draw::duration) {
        builder = builder.interval(asked.within("interval", interval, possible.clone()));
    }
    if let Some(timeout) = draw.maybe(Draw::duration) {
        builder = builder.timeout(asked.within("timeout", timeout, possible.clone()));
    }
    let beats = !draw.flag();
    builder = builder.heartbeat(beats);
    if let Some(promise) = draw.maybe(Draw::duration) {
        let possible = Duration::from_millis(500)..=LONGEST;
        builder = builder.detect_within(
            asked.of("detect_within", promise, |promise| beats && possible.contains(&promise)),
        );
    }
    if let Some(connect) = draw.maybe(Draw::duration) {
        let connect = asked.within("connect_timeout", connect, possible.clone());
        builder = builder.connect_timeout(connect);
    }
    if let Some(close) = draw.maybe(Draw::duration) {
        builder = builder.close_timeout(asked.within("close_timeout", close, possible.clone()));
    }
    if let Some(idle) = draw.maybe(|draw| draw.maybe(Draw::duration)) {
        let possible = |idle: Option<Duration>| idle.is_none_or(|idle| possible.contains(&idle));
        builder = builder.idle(asked.of("idle", idle, possible));
    }
    if let Some(pings) = draw.maybe(|draw| (draw.small(), draw.small())) {
        let (burst, second) = asked.of("ping_limit", pings, possible_pings);
        builder = builder.ping_limit(burst, second);
    }
    if let Some(queue) = draw.maybe(|draw| (draw.number(), draw.number())) {
        let (messages, bytes) = asked.of("queue", queue, possible_room);
        builder = builder.queue(Queue::bounded(messages, bytes));
    }
    if let Some((min, max)) = draw.maybe(|draw| (draw.duration(), draw.duration())) {
        let possible = |(min, max)| Duration::from_millis(1) <= min && min <= max && max <= LONGEST;
        let (min, max) = asked.of("backoff", (min, max), possible);
        let healthy = draw.maybe(Draw::duration).unwrap_or(defaults::HEALTHY_AFTER);
        let healthy = asked.within("healthy_after", healthy, Duration::ZERO..=LONGEST);
        builder = builder.backoff(Backoff::full_jitter(min..=max).with_healthy_after(healthy));
    }
    builder = builder.retain_bytes(draw.number());
    asked.judge(builder.build());
}

pub(super) fn server(draw: &mut Draw<'_>) {
    let mut asked = Asked::default();
    let possible = SHORTEST..=LONGEST;
    let mut builder = Server::over(Nobody, Frozen, (), draw.u64());
    let mut expire = Expire::default();
    if draw.flag() {
        expire = expire.silent(None);
    }
    if let Some(interval) = draw.maybe(Draw::duration) {
        builder = builder.interval(asked.within("interval", interval, possible.clone()));
    }
    if let Some(timeout) = draw.maybe(Draw::duration) {
        builder = builder.timeout(asked.within("timeout", timeout, possible.clone()));
    }
    if let Some(close) = draw.maybe(Draw::duration) {
        builder = builder.close_timeout(asked.within("close_timeout", close, possible.clone()));
    }
    if let Some(upgrade) = draw.maybe(Draw::duration) {
        let upgrade = asked.within("handshake_timeout", upgrade, possible.clone());
        builder = builder.handshake_timeout(upgrade);
    }
    if let Some(shutdown) = draw.maybe(Draw::duration) {
        let shutdown = asked.within("shutdown_timeout", shutdown, Duration::ZERO..=LONGEST);
        builder = builder.shutdown_timeout(shutdown);
    }
    if let Some(idle) = draw.maybe(Draw::duration) {
        expire = expire.idle(asked.within("idle", idle, possible));
    }
    let years = SHORTEST..=366 * LONGEST;
    if let Some(limit) = draw.maybe(Draw::duration) {
        expire = expire.unauthenticated(asked.within("unauthenticated", limit, years.clone()));
    }
    if let Some(limit) = draw.maybe(Draw::duration) {
        expire = expire.authentication(asked.within("authentication", limit, years.clone()));
    }
    if let Some(age) = draw.maybe(Draw::duration) {
        expire = expire.age(asked.within("age", age, years.clone()));
    }
    if let Some(stuck) = draw.maybe(Draw::duration) {
        expire = expire.stuck(asked.within("stuck", stuck, years));
    }
    if let Some(pings) = draw.maybe(|draw| (draw.small(), draw.small())) {
        let (burst, second) = asked.of("ping_limit", pings, possible_pings);
        builder = builder.ping_limit(burst, second);
    }
    let mut limits = Limits::default().queued_in_all(usize::MAX);
    if let Some(limit) = draw.maybe(Draw::number) {
        limits = limits.upgrades(asked.of("upgrades", limit, |limit| limit > 0));
    }
    if let Some(limit) = draw.maybe(Draw::number) {
        limits = limits.connections(asked.of("connections", limit, |limit| limit > 0));
    }
    if let Some(room) = draw.maybe(|draw| (draw.number(), draw.number())) {
        let (messages, bytes) = asked.of("queued", room, possible_room);
        limits = limits.queued(messages, bytes);
    }
    asked.judge(builder.expire(expire).limits(limits).build());
}

fn possible_pings((burst, second): (u32, u32)) -> bool {
    let possible = 1..=1_000_000;
    possible.contains(&burst) && possible.contains(&second)
}

fn possible_room((messages, bytes): (usize, usize)) -> bool {
    messages > 0 && bytes > 0
}

/// What a connector is told of its WebSockets
fn transport(draw: &mut Draw<'_>, asked: &mut Asked) -> Settings {
    let mut settings = Settings::default();
    if let Some(bytes) = draw.maybe(Draw::number) {
        settings = settings.max_message(asked.of("max_message", bytes, |bytes| bytes > 0));
    }
    if let Some(bytes) = draw.maybe(Draw::number) {
        settings = settings.max_frame(asked.of("max_frame", bytes, |bytes| bytes > 0));
    }
    if let Some(bytes) = draw.maybe(Draw::number) {
        let possible = 512..=64 << 10;
        settings =
            settings.max_head(asked.of("max_head", bytes, |bytes| possible.contains(&bytes)));
    }
    if let Some(bytes) = draw.maybe(|draw| draw.maybe(Draw::number)) {
        settings = settings.fragment(asked.of("fragment", bytes, |bytes| bytes != Some(0)));
    }
    if let Some(timeout) = draw.maybe(|draw| draw.maybe(Draw::duration)) {
        let possible = Duration::from_secs(1)..=LONGEST;
        settings = settings.user_timeout(asked.of("user_timeout", timeout, |timeout| {
            timeout.is_none_or(|timeout| possible.contains(&timeout))
        }));
    }
    settings
}

/// Connects nowhere, with these settings
struct Nowhere(Settings);

impl Connect for Nowhere {
    type Transport = WebSocket<Wire>;
    type Error = io::Error;
    type Future = Pending<io::Result<WebSocket<Wire>>>;

    fn connect(&mut self, _: Attempt) -> Self::Future {
        pending()
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.0.check()
    }
}

/// Nobody comes
struct Nobody;

impl Accept for Nobody {
    type Transport = WebSocket<Wire>;
    type Facts = ();
    type Request = ();
    type Error = io::Error;
    type Upgrade = Pending<io::Result<(WebSocket<Wire>, (), ())>>;

    fn poll_accept(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<Self::Upgrade>> {
        Poll::Pending
    }
}

/// A clock that stands still
#[derive(Clone, Copy)]
pub(super) struct Frozen;

pub(super) struct Never(Instant);

impl Timer for Frozen {
    type Sleep = Never;

    fn now(&self) -> Instant {
        Instant::ORIGIN
    }

    fn sleep_until(&self, deadline: Instant) -> Never {
        Never(deadline)
    }
}

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Sleep for Never {
    fn deadline(&self) -> Instant {
        self.0
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.0 = deadline;
    }
}
