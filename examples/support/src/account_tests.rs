//! Accounts that agree, and each way in which they do not.

use super::*;

/// Six messages: 1 to 3 delivered, 4 and 5 unconfirmed, 6 unsent; 4 arrived all the same
fn agreed() -> (Account, Received) {
    let mut account = Account::default();
    (1..=6).for_each(|_| account.accepted());
    account.settle(tally(6, 3, 2, 1));
    account.handed_back(&[4, 5], &[6]);
    let messages = vec![(1, 1), (1, 2), (2, 3), (2, 4)];
    (account, Received { messages, ..Received::default() })
}

fn tally(accepted: u64, delivered: u64, unconfirmed: u64, unsent: u64) -> Tally {
    let mut tally = Tally::default();
    (tally.accepted, tally.delivered) = (accepted, delivered);
    (tally.unconfirmed, tally.unsent) = (unconfirmed, unsent);
    tally.pending = accepted - delivered - unconfirmed - unsent;
    tally
}

fn of(change: impl FnOnce(&mut Account, &mut Received)) -> Sum {
    let (mut account, mut received) = agreed();
    change(&mut account, &mut received);
    compare(&account, &received)
}

fn forget(received: &mut Received, place: usize) {
    received.messages.remove(place);
}

#[test]
fn what_agrees_has_nothing_wrong() {
    let (accepted, delivered, unconfirmed, unsent, received) = (6, 3, 2, 1, 4);
    let expected = Sum { accepted, delivered, unconfirmed, unsent, received, ..Sum::default() };
    assert_eq!(of(|_, _| {}), expected);
}

#[test]
fn a_message_without_a_fate_is_miscounted_and_lost() {
    let sum = of(|account, _| {
        account.accepted();
        account.settle(tally(7, 3, 2, 1));
    });
    assert_eq!((sum.miscounted, sum.lost), (3, 1));
    assert_eq!(of(|account, _| account.settle(tally(7, 4, 2, 1))).miscounted, 1);
}

#[test]
fn an_unconfirmed_message_that_counts_as_delivered_is_lost_and_astray() {
    let sum = of(|account, _| {
        *account = Account::default();
        (1..=6).for_each(|_| account.accepted());
        account.settle(tally(6, 5, 0, 1));
        account.handed_back(&[4, 5], &[6]);
    });
    assert_eq!((sum.lost, sum.astray, sum.miscounted), (1, 2, 0));
}

#[test]
fn what_was_not_handed_back_is_astray() {
    let sum = of(|account, _| {
        account.accepted();
        account.settle(tally(7, 3, 3, 1));
    });
    assert_eq!((sum.astray, sum.lost, sum.miscounted), (1, 0, 0));
    assert_eq!(of(|account, _| account.handed_back(&[], &[6])).astray, 1);
}

#[test]
fn a_message_that_the_server_forgot_is_lost() {
    assert_eq!(of(|_, received| forget(received, 1)).lost, 1);
    assert_eq!(of(|_, received| forget(received, 3)).lost, 0);
}

#[test]
fn what_was_never_sent_cannot_arrive() {
    assert_eq!(of(|_, received| received.messages.push((2, 6))).ghosts, 1);
    assert_eq!(of(|_, received| received.messages.push((2, 7))).ghosts, 1);
}

#[test]
fn a_message_arrives_once_and_in_order() {
    let twice = of(|_, received| received.messages.push((3, 3)));
    assert_eq!((twice.duplicates, twice.disorder), (1, 0));
    assert_eq!(of(|_, received| received.messages.swap(0, 1)).disorder, 1);
    assert_eq!(of(|_, received| received.messages.swap(1, 2)).disorder, 1);
    let unproven = of(|_, received| received.messages.extend([(3, 5), (3, 4)]));
    assert_eq!(unproven.disorder, 1);
    // The fourth counts as unconfirmed: its connection may be read after the next one.
    let late = of(|_, received| received.messages = vec![(2, 4), (1, 1), (1, 2), (1, 3)]);
    assert_eq!(late.disorder, 0);
}

#[test]
fn what_was_unproven_may_be_read_behind_the_next_connections_first() {
    let mut account = Account::default();
    (1..=2).for_each(|_| account.accepted());
    account.settle(tally(2, 0, 1, 0));
    account.handed_back(&[1], &[]);
    account.settle(tally(2, 1, 1, 0));
    let received = Received { messages: vec![(2, 2), (1, 1)], ..Received::default() };
    let expected = Sum { accepted: 2, delivered: 1, unconfirmed: 1, received: 2, ..Sum::default() };
    assert_eq!(compare(&account, &received), expected);
}

#[test]
fn what_was_not_taken_has_no_number_and_is_told() {
    let sum = of(|account, _| account.refused());
    assert_eq!((sum.refused, sum.accepted, sum.miscounted), (1, 6, 0));
    let told = sum.disagreements().into_iter().filter(|row| row["met"] == false);
    assert!(told.map(|row| row["name"].clone()).eq(["refused"]));
}

#[test]
fn answers_are_accounts_too() {
    let answers = |answered, proven, unproven, came| {
        let sum = of(|account, received| {
            (1..=came).for_each(|number| account.answered(number));
            (received.answered, received.proven, received.unproven) = (answered, proven, unproven);
        });
        (sum.answers_miscounted, sum.answers_lost, sum.disorder)
    };
    assert_eq!(answers(3, 2, 1, 2), (0, 0, 0));
    assert_eq!(answers(3, 2, 1, 3), (0, 0, 0));
    assert_eq!(answers(3, 2, 0, 2), (1, 0, 0));
    assert_eq!(answers(3, 3, 0, 2), (0, 1, 0));
    assert_eq!(answers(9, 9, 0, 9).2, 3, "answers to what was never asked");
}

#[test]
fn sums_add_up() {
    let mut sum = of(|_, _| {});
    sum += of(|_, received| forget(received, 0));
    assert_eq!((sum.accepted, sum.received, sum.lost), (12, 7, 1));
}
