//! A case's name, in the order of the suite: 2.9 before 2.10.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// Such as 6.4.3
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Case(Vec<u16>);

impl FromStr for Case {
    type Err = ParseIntError;

    fn from_str(name: &str) -> Result<Self, ParseIntError> {
        Ok(Self(name.split('.').map(str::parse).collect::<Result<_, _>>()?))
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.0.iter().map(u16::to_string).collect::<Vec<_>>();
        f.write_str(&numbers.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_in_the_suites_order() {
        let case = |name: &str| name.parse::<Case>().unwrap();
        assert!(case("2.9") < case("2.10") && case("2.10") < case("2.10.1"));
        assert_eq!(case("6.4.3").to_string(), "6.4.3");
        assert!("6.x".parse::<Case>().is_err());
    }
}
