//! Whether a peer behaved as it must: in every case, and never worse than bare tungstenite. Pure.

use std::collections::BTreeMap;

use super::case::Case;
use super::index::{Behaviour, Index};

/// What is wrong, by case; bare tungstenite itself is held against nothing
///
/// A case that the suite does not tell of was not tried, whatever it ended with.
pub(super) fn faults(cases: &[Case], ours: &Index, bare: Option<&Index>) -> BTreeMap<Case, String> {
    let fault = |case| fault(case, ours, bare).map(|fault| (Case::clone(case), fault));
    cases.iter().filter_map(fault).collect()
}

fn fault(case: &Case, ours: &Index, bare: Option<&Index>) -> Option<String> {
    let Some(ours) = ours.get(case) else { return Some("missing".into()) };
    let bare = bare.map(|bare| bare.get(case));
    if let Some(None) = bare {
        return Some("missing of bare tungstenite".into());
    }
    // Bare tungstenite may fail; it is there to tell us how well one can do.
    let bare = bare.flatten()?;
    [("", ours.case, bare.case), ("its end ", ours.close, bare.close)].into_iter().find_map(
        |(what, ours, bare)| match (ours.is_fine(), ours <= bare) {
            (false, _) => Some(format!("{what}{}", ours.name())),
            (true, false) => {
                Some(format!("{what}{}, bare tungstenite {}", ours.name(), bare.name()))
            }
            (true, true) => None,
        },
    )
}

/// In which cases a peer behaved how, the worse of the case and its end
pub(super) fn by_behaviour(cases: &[Case], index: &Index) -> BTreeMap<Behaviour, Vec<Case>> {
    let mut sorted = BTreeMap::<_, Vec<_>>::new();
    for case in cases {
        if let Some(seen) = index.get(case) {
            sorted.entry(seen.worst()).or_default().push(case.clone());
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::super::index::Seen;
    use super::*;

    use Behaviour::{Failed, Informational, NonStrict, Ok, Unclean};

    const CASE: &str = "6.4.3";

    fn index(seen: Option<(Behaviour, Behaviour)>) -> Index {
        seen.map(|(case, close)| (CASE.parse().unwrap(), Seen { case, close }))
            .into_iter()
            .collect()
    }

    fn said(
        ours: Option<(Behaviour, Behaviour)>,
        bare: Option<(Behaviour, Behaviour)>,
    ) -> Option<String> {
        let cases = [CASE.parse().unwrap()];
        faults(&cases, &index(ours), Some(&index(bare))).into_values().next()
    }

    #[test]
    fn what_is_fine_and_no_worse_than_bare_is_no_fault() {
        for (ours, bare) in [
            ((Ok, Ok), (Ok, Ok)),
            ((NonStrict, Ok), (NonStrict, Ok)),
            ((Informational, Informational), (Informational, Informational)),
            ((Ok, Ok), (Failed, Unclean)),
        ] {
            assert_eq!(said(Some(ours), Some(bare)), None, "{ours:?} {bare:?}");
        }
    }

    #[test]
    fn a_failure_is_a_fault_whatever_bare_did() {
        let said = |ours, bare| said(Some(ours), Some(bare)).unwrap();
        assert_eq!(said((Failed, Ok), (Failed, Ok)), "FAILED");
        assert_eq!(said((Ok, Unclean), (Ok, Unclean)), "its end UNCLEAN");
    }

    #[test]
    fn worse_than_bare_is_a_fault() {
        let said = said(Some((NonStrict, Ok)), Some((Ok, Ok)));
        assert_eq!(said.unwrap(), "NON-STRICT, bare tungstenite OK");
    }

    #[test]
    fn a_case_that_nobody_tells_of_is_a_fault() {
        assert_eq!(said(None, Some((Ok, Ok))).unwrap(), "missing");
        assert_eq!(said(Some((Ok, Ok)), None).unwrap(), "missing of bare tungstenite");
    }

    #[test]
    fn of_bare_itself_only_what_is_missing_is_a_fault() {
        let cases = [CASE.parse().unwrap()];
        assert!(faults(&cases, &index(Some((Failed, Ok))), None).is_empty());
        assert_eq!(faults(&cases, &Index::new(), None).len(), 1);
    }

    #[test]
    fn the_worse_of_a_case_and_its_end_is_counted() {
        let cases = [CASE.parse().unwrap(), "1.1.1".parse().unwrap()];
        let sorted = by_behaviour(&cases, &index(Some((Ok, Unclean))));
        assert_eq!(sorted, BTreeMap::from([(Unclean, vec![CASE.parse().unwrap()])]));
    }
}
