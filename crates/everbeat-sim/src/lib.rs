//! A runtime in virtual time, with seeded links.
