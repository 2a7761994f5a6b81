//! `Retry-After` as a delay (RFC 9110, section 10.2.3): seconds, or a date, which is taken relative
//! to the response's own `Date`, because our clock need not agree with the server's.

use std::time::Duration;

use async_tungstenite::tungstenite::http::HeaderMap;
use async_tungstenite::tungstenite::http::header::{DATE, HeaderName, RETRY_AFTER};

pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let value = text(RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(text(DATE)?).ok()?;
    // A date in the past asks for nothing
    Some(then.duration_since(now).unwrap_or_default())
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
        assert_eq!(delay(&[]), None);
    }
}
