//! Spans and events: the page, the sources, and a life.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Once;

use everbeat_core::cause::Expired;
use everbeat_metrics::REASONS;
use tracing::field::Field;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, set_global_default};
use tracing::{Event, Metadata, Subscriber};

use crate::page::{quoted, rows};
use crate::{sources, world};

/// A span or an event, as the page has it
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    /// Without `everbeat-`
    pub(crate) of: String,
    pub(crate) level: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) fields: BTreeSet<String>,
}

fn page() -> BTreeSet<Said> {
    let said = |row: Vec<String>| {
        let [of, level, kind, name, fields, _] = <[String; 6]>::try_from(row).unwrap();
        let fields = quoted(&fields).into_iter().collect();
        Said { of, level, kind, name: quoted(&name).remove(0), fields }
    };
    let rows = rows("| crate |");
    let page = rows.iter().cloned().map(said).collect::<BTreeSet<_>>();
    assert_eq!(page.len(), rows.len(), "a row is there twice");
    page
}

#[test]
fn the_page_has_what_the_sources_can_say_and_no_more() {
    let (page, sources) = (page(), sources::said());
    let undocumented = sources.difference(&page).collect::<Vec<_>>();
    let invented = page.difference(&sources).collect::<Vec<_>>();
    assert!(
        undocumented.is_empty() && invented.is_empty(),
        "not on the page: {undocumented:#?}\nonly on the page: {invented:#?}"
    );
}

#[test]
fn the_page_has_the_words_of_each_rule_that_expires() {
    let rules = [
        Expired::Silent,
        Expired::Idle,
        Expired::Unfinished,
        Expired::Unauthenticated,
        Expired::Stale,
        Expired::TooOld,
        Expired::TooSlow,
        Expired::ShuttingDown,
        Expired::Evicted,
    ];
    let labels = REASONS.iter().filter(|reason| reason.starts_with("expired_"));
    assert_eq!(labels.count(), rules.len(), "each rule has a label, so one is missing above");
    let rows = rows("| crate |");
    let row = rows.iter().find(|row| row[3] == "`expired`").unwrap();
    assert_eq!(quoted(&row[4]), ["reason"]);
    let told = row[5].split('"').skip(1).step_by(2).collect::<Vec<_>>();
    assert_eq!(told, rules.map(|rule| rule.to_string()));
}

/// What of core and server does not come in the life that is played: an acceptor that fails and what is
/// beside the simulator's WebSockets; all of it is in the sources, which the test above sees to
const NOT_PLAYED: &[&str] = &[
    "cannot accept, waiting",
    "handler does not look at its connection's end, cut",
    "left in the mailbox",
    "upgrade took too long",
];

#[test]
fn a_life_says_what_is_on_the_page_and_all_of_that() {
    let heard = heard(|| world::play(None));
    let page = page();
    let mut left = page.clone();
    for one in &heard {
        let mut documented = one.clone();
        if one.name.ends_with(" panicked") {
            documented.name = "{what} panicked".to_owned();
        }
        assert!(page.contains(&documented), "not on the page: {one:?}");
        left.remove(&documented);
    }
    // Told of an address that only the request tells, which the simulator's have none of.
    let addressed = |one: &Said| one.name == "refused" && one.fields.len() == 1;
    let played = |one: &&Said| matches!(&*one.of, "core" | "server") && !addressed(one);
    let unseen = left.iter().filter(played).map(|one| &*one.name).collect::<Vec<_>>();
    let mut expected = NOT_PLAYED.to_vec();
    expected.sort_unstable();
    let mut unseen = unseen;
    unseen.sort_unstable();
    assert_eq!(unseen, expected, "what was not said in a whole life");
}

thread_local! {
    /// `None` on a thread that does not listen
    static HEARD: RefCell<Option<BTreeSet<Said>>> = const { RefCell::new(None) };
}

/// What is said on this thread meanwhile; the subscriber is the process's, for one of a thread's own is
/// not seen where another thread comes upon an event first
fn heard(run: impl FnOnce()) -> BTreeSet<Said> {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| set_global_default(Listener).unwrap());
    HEARD.set(Some(BTreeSet::new()));
    run();
    HEARD.take().unwrap()
}

struct Listener;

impl Listener {
    fn hear(metadata: &Metadata<'_>, kind: &str, name: String, fields: BTreeSet<String>) {
        let module = metadata.module_path().unwrap_or_default();
        let of = module.split("::").next().unwrap_or_default().replace("everbeat_", "");
        let level = metadata.level().as_str().to_lowercase();
        let said = Said { of, level, kind: kind.to_owned(), name, fields };
        HEARD.with_borrow_mut(|heard| heard.as_mut().map(|heard| heard.insert(said)));
    }
}

impl Subscriber for Listener {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    /// By the crate, so that who forgets the target is heard as well, and found in the sources
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.module_path().is_some_and(|module| module.starts_with("everbeat_"));
        ours && HEARD.with_borrow(Option::is_some)
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let metadata = attributes.metadata();
        let mut fields = BTreeSet::new();
        attributes.record(&mut |field: &Field, _: &dyn Debug| {
            fields.insert(field.name().to_owned());
        });
        assert_eq!(metadata.target(), "everbeat");
        Self::hear(metadata, "span", metadata.name().to_owned(), fields);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let (mut name, mut fields) = (String::new(), BTreeSet::new());
        event.record(&mut |field: &Field, value: &dyn Debug| {
            if field.name() == "message" {
                name = format!("{value:?}");
            } else {
                fields.insert(field.name().to_owned());
            }
        });
        assert_eq!(event.metadata().target(), "everbeat");
        Self::hear(event.metadata(), "event", name, fields);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
