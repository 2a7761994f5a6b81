//! Who issues tokens and knows what they are worth. In a service this is another program, asked over
//! the network; so both are async here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::GOOD_FOR;

/// Knows every token that is good
#[derive(Debug, Default)]
pub(crate) struct Issuer(Mutex<HashMap<String, Grant>>);

/// What a token says
#[derive(Clone, Debug)]
struct Grant {
    user: &'static str,
    until: Instant,
}

/// Who has a good token, and for how long it is one
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) good_for: Duration,
}

impl Issuer {
    /// A fresh token: a number that nobody can guess, and that says nothing to anybody else
    pub(crate) async fn issue(&self, user: &'static str) -> String {
        let token = format!("{:032x}", rand::random::<u128>());
        let now = Instant::now();
        let mut grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grants.retain(|_, grant| grant.until > now);
        grants.insert(token.clone(), Grant { user, until: now + GOOD_FOR });
        token
    }

    /// Whose it is; `None` if it is nobody's, or not good any more
    pub(crate) async fn user_of(&self, token: &str) -> Option<User> {
        let grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let grant = grants.get(token)?;
        let good_for = grant.until.checked_duration_since(Instant::now())?;
        Some(User { name: grant.user, good_for })
    }
}
