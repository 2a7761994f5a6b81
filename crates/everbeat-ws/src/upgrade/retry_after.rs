//! `Retry-After` as a delay (RFC 9110, section 10.2.3): seconds, or a date, which is taken relative
//! to the response's own `Date`, because our clock need not agree with the server's.

use std::time::Duration;

use async_tungstenite::tungstenite::http::HeaderMap;
use async_tungstenite::tungstenite::http::header::{DATE, HeaderName, RETRY_AFTER};

/// The longest delay that is believed: one answer, wrong by a unit or by intent, must not keep a
/// client away for good; a server that is still busy a day later can say so again
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The delay that the server asks for, a day at most
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let value = text(RETRY_AFTER)?;
    let delay = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // All digits, so a number that is no `u64` is a larger one
        value.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let then = httpdate::parse_http_date(value).ok()?;
        let now = httpdate::parse_http_date(text(DATE)?).ok()?;
        // A date in the past asks for nothing
        then.duration_since(now).unwrap_or_default()
    };
    Some(delay.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay(pairs: &[(HeaderName, &'static str)]) -> Option<u64> {
        let headers: HeaderMap =
            pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        retry_after(&headers).map(|delay| delay.as_secs())
    }

    #[test]
    fn seconds_and_dates() {
        let now = (DATE, "Fri, 31 Dec 1999 23:59:50 GMT");
        let then = (RETRY_AFTER, "Sat, 01 Jan 2000 00:00:05 GMT");
        assert_eq!(delay(&[(RETRY_AFTER, "120")]), Some(120));
        assert_eq!(delay(&[then.clone(), now.clone()]), Some(15));
        assert_eq!(delay(&[(RETRY_AFTER, now.1), (DATE, then.1)]), Some(0));
        // Without the server's clock a date says nothing
        assert_eq!(delay(&[then]), None);
        assert_eq!(delay(&[(RETRY_AFTER, "soon"), now]), None);
        assert_eq!(delay(&[(RETRY_AFTER, "")]), None);
        assert_eq!(delay(&[(RETRY_AFTER, "-1")]), None);
        assert_eq!(delay(&[]), None);
    }

    #[test]
    fn nothing_keeps_a_client_away_for_more_than_a_day() {
        let day = LONGEST.as_secs();
        assert_eq!(delay(&[(RETRY_AFTER, "86400")]), Some(day));
        assert_eq!(delay(&[(RETRY_AFTER, "86401")]), Some(day));
        assert_eq!(delay(&[(RETRY_AFTER, "18446744073709551615")]), Some(day));
        assert_eq!(delay(&[(RETRY_AFTER, "99999999999999999999999999")]), Some(day));
        let now = (DATE, "Fri, 31 Dec 1999 23:59:50 GMT");
        let then = (RETRY_AFTER, "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(delay(&[then, now]), Some(day));
    }
}
