//! Who is let in: everybody, unless the path of the request asks for a refusal, such as
//! `/refused/429/1` for a status and the seconds of `Retry-After`.

use std::future::{Ready, ready};

use everbeat_ws::upgrade::{Reject, Upgrade, UpgradeRequest};

/// A hook without a state of its own, which has a name
pub(crate) type Door = fn(UpgradeRequest) -> Ready<Result<Upgrade<()>, Reject>>;

pub(crate) fn door(request: UpgradeRequest) -> Ready<Result<Upgrade<()>, Reject>> {
    ready(refusal(request.path()).map_or_else(|| Ok(Upgrade::accept(())), Err))
}

/// What a path asks for
fn refusal(path: &str) -> Option<Reject> {
    let (status, seconds) = asked(path)?;
    let mut reject = Reject::status(status).body("as you wished");
    if let Some(seconds) = seconds {
        reject = reject.header("Retry-After", seconds);
    }
    if matches!(status, 300..400) {
        reject = reject.header("Location", "/elsewhere");
    }
    Some(reject)
}

/// The status, and the seconds after which to come again
fn asked(path: &str) -> Option<(u16, Option<&str>)> {
    let mut words = path.strip_prefix("/refused/")?.split('/');
    Some((words.next()?.parse().ok()?, words.next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_asks_for_its_refusal() {
        assert_eq!(asked("/refused/401"), Some((401, None)));
        assert_eq!(asked("/refused/429/1"), Some((429, Some("1"))));
        for let_in in ["/", "/refused", "/refused/soon"] {
            assert_eq!(asked(let_in), None, "{let_in}");
        }
    }
}
