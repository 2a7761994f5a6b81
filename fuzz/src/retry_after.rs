//! `Retry-After` of a refused upgrade: seconds, or a date relative to the answer's own `Date`; a day
//! at most, and nothing for what is neither.
//!
//! The input is the header's value, and behind a line feed the value of `Date`.

use std::time::Duration;

use everbeat_core::Cause;
use everbeat_ws::connect::Request;
use everbeat_ws::upgrade::UpgradeError;
use everbeat_ws::{Settings, WebSocket};

use crate::run::run;
use crate::wire::{Cuts, Wire};

const DAY: u64 = 24 * 60 * 60;

/// Refuses a client with `data`
///
/// # Panics
///
/// A property does not hold.
pub fn retry_after(data: &[u8]) {
    let (value, date) = match data.iter().position(|&byte| byte == b'\n') {
        Some(at) => (&data[..at], Some(&data[at + 1..])),
        None => (data, None),
    };
    // Another line would be another header
    if [value, date.unwrap_or_default()].concat().contains(&b'\n') || value.contains(&b'\r') {
        return;
    }
    let mut answer = [b"HTTP/1.1 503 Busy\r\nRetry-After: ", value, b"\r\n"].concat();
    if let Some(date) = date {
        answer.extend_from_slice(&[b"Date: ", date, b"\r\n"].concat());
    }
    answer.extend_from_slice(b"\r\n");
    let request = Request::to("ws://a").build().expect("a request as any other");
    let connecting =
        WebSocket::connect(Wire::new(&answer, Cuts::Drawn), &request, Settings::default());
    let Err(error) = run(connecting) else {
        panic!("a refusal was taken for a grant");
    };
    let cause = error.classify();
    let UpgradeError::Status { status: 503, retry_after } = error else {
        // Only for what cannot be in a header
        let both = [value, date.unwrap_or_default()].concat();
        assert!(both.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t'), "{error}");
        return;
    };
    // The cause that a verdict is asked about says the same
    assert!(
        matches!(cause, Cause::Rejected { status: 503, retry_after: told } if told == retry_after)
    );
    expected(text(value), date.and_then(text), retry_after);
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().map(str::trim_ascii).filter(|value| value.is_ascii())
}

fn expected(value: Option<&str>, date: Option<&str>, got: Option<Duration>) {
    let Some(value) = value else {
        assert_eq!(got, None, "what is no text says nothing");
        return;
    };
    assert!(got.is_none_or(|got| got.as_secs() <= DAY && got.subsec_nanos() == 0), "{got:?}");
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are a larger number
        let seconds = value.parse().unwrap_or(u128::MAX).min(u128::from(DAY));
        assert_eq!(got.map(|got| u128::from(got.as_secs())), Some(seconds));
        return;
    }
    let Some(date) = date else {
        assert_eq!(got, None, "without the server's clock a date says nothing");
        return;
    };
    match (seconds_of(value), seconds_of(date)) {
        (Some(then), Some(now)) => {
            let seconds = then.saturating_sub(now).clamp(0, DAY as i64);
            assert_eq!(got, Some(Duration::from_secs(seconds as u64)), "{value} at {date}");
        }
        // The older forms have no year, or no century: that they are bounded is enough
        _ => assert!(got.is_none() || value.len() >= 24 && date.len() >= 24, "{value} at {date}"),
    }
}

/// An IMF-fixdate (RFC 9110, section 5.6.7) in seconds since 1970, worked out by hand
fn seconds_of(date: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let form = "aaa, 00 aaa 0000 00:00:00 aaa";
    let fits = |(byte, form): (u8, u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        form => byte == form,
    };
    if date.len() != form.len()
        || !date.bytes().zip(form.bytes()).all(fits)
        || !date.ends_with("GMT")
    {
        return None;
    }
    let number = |at: usize, len: usize| date[at..at + len].parse::<i64>().ok();
    let (day, year) = (number(5, 2)?, number(12, 4)?);
    let month = MONTHS.iter().position(|month| *month == &date[8..11])? as i64 + 1;
    let (hour, minute, second) = (number(17, 2)?, number(20, 2)?, number(23, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    // The days before 1 March, so that a leap day is the last of its year
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let weekday = DAYS[days.rem_euclid(7) as usize];
    let possible =
        year >= 1970 && (1..=length).contains(&day) && hour < 24 && minute < 60 && second < 60;
    (possible && date.starts_with(weekday))
        .then_some(days * DAY as i64 + hour * 3_600 + minute * 60 + second)
}
