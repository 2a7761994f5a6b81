//! What few connectors are told beyond their URL. Its `Debug` shows no header's value.

use std::fmt;

use everbeat_core::config::ConfigError;
use everbeat_core::transport::Attempt;

use super::request::{Headers, Request};
use super::{BoxError, Boxed};
use crate::settings::Settings;
use crate::tls::ClientTls;

pub(super) type MakeRequest = Box<dyn FnMut(Attempt) -> Boxed<Result<Request, BoxError>> + Send>;

/// What a connector was told beyond its URL
#[derive(Default)]
pub(crate) struct Custom {
    /// How each attempt's request is made
    pub(super) make: Option<MakeRequest>,
    /// More URLs, less preferred than the connector's own; each was parsed
    pub(super) others: Vec<Box<str>>,
    pub(super) headers: Headers,
    pub(super) settings: Settings,
    /// Whom to trust; `None` is whom the platform trusts
    pub(crate) tls: Option<ClientTls>,
    /// The first setting that cannot be; told by `check` and by every attempt
    pub(super) problem: Option<ConfigError>,
}

impl Custom {
    pub(super) fn note<T>(&mut self, set: impl FnOnce(&mut Headers) -> Result<T, ConfigError>) {
        if let Err(problem) = set(&mut self.headers) {
            self.problem.get_or_insert(problem);
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match &self.problem {
            Some(problem) => Err(problem.clone()),
            None => self.settings.check(),
        }
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom")
            .field("fresh_requests", &self.make.is_some())
            .field("endpoints", &(1 + self.others.len()))
            .field("headers", &self.headers)
            .field("settings", &self.settings)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}
