//! Every way to break RFC 6455 or a limit, with its error and its close code.

use everbeat_core::cause::{Cause, CloseCode};
use everbeat_core::transport::Outgoing;
use everbeat_ws::{Error, ProtocolError, Role, Settings};
use futures_util::AsyncWriteExt;

use crate::support::{flush, recv, run, start};
use crate::wire::{masked, pair, plain};

#[test]
fn violations_have_their_codes() {
    use ProtocolError as P;
    let big = Settings::default().max_frame(1_000).max_message(1_500);
    let long = |form: u8, length: &[u8]| [&[0x82, form], length].concat();
    let oversized = [plain(0x02, &[0; 1_000]), plain(0x80, &[0; 501])].concat();
    let cases: Vec<(Role, Vec<u8>, P, u16)> = vec![
        (Role::Client, masked(0x81, b"a"), P::Masked, 1002),
        (Role::Server, plain(0x81, b"a"), P::Unmasked, 1002),
        (Role::Client, plain(0xc1, b"a"), P::ReservedBit, 1002),
        (Role::Client, plain(0x83, b"a"), P::Opcode(3), 1002),
        (Role::Client, plain(0x8b, b"a"), P::Opcode(11), 1002),
        (Role::Client, plain(0x09, b"a"), P::FragmentedControl, 1002),
        (Role::Client, plain(0x89, &[0; 126]), P::LongControl(126), 1002),
        (Role::Client, plain(0x80, b"a"), P::Continuation, 1002),
        (Role::Client, [plain(0x01, b"a"), plain(0x81, b"b")].concat(), P::Interleaved, 1002),
        (Role::Client, plain(0x88, &[3]), P::CloseLength, 1002),
        (Role::Client, plain(0x88, &[3, 237]), P::Code(CloseCode(1005)), 1002),
        (Role::Client, plain(0x88, &[3, 232, 0xff]), P::Utf8, 1007),
        (Role::Client, plain(0x81, &[0xff]), P::Utf8, 1007),
        (Role::Client, [plain(0x01, &[0xf0]), plain(0x80, b"a")].concat(), P::Utf8, 1007),
        (Role::Client, plain(0x81, &[0xf0, 0x9f]), P::Utf8, 1007),
        (Role::Server, masked(0x81, &[0xff; 6_000][..900]), P::Utf8, 1007),
        (Role::Client, long(126, &[0, 125]), P::OverlongLength(125), 1002),
        (Role::Server, long(0x80 | 127, &[0, 0, 0, 0, 0, 0, 1, 0]), P::OverlongLength(256), 1002),
        // No limit of ours, so not 1009
        (Role::Client, long(127, &[0x80, 0, 0, 0, 0, 0, 0, 0]), P::LengthBit, 1002),
        (Role::Server, long(0x80 | 127, &[0xff; 8]), P::LengthBit, 1002),
        // Only the header: the payload is not waited for
        (
            Role::Client,
            plain(0x82, &[0; 1_001])[..4].to_vec(),
            P::FrameTooLong { bytes: 1_001, max: 1_000 },
            1009,
        ),
        (Role::Client, oversized, P::MessageTooLong { bytes: 1_501, max: 1_500 }, 1009),
    ];
    for (role, bytes, expected, code) in cases {
        let (mut ws, mut peer) = pair(role, big);
        run(async {
            peer.write_all(&bytes).await.unwrap();
            let error = recv(&mut ws).await.unwrap().unwrap_err();
            assert!(matches!(error, Error::Protocol(found) if found == expected), "{error:?}");
            let Cause::Violation { code: told, detail } = error.classify() else {
                panic!("{error:?}");
            };
            assert_eq!((told.0, detail), (code, expected.to_string().into()));
            assert!(recv(&mut ws).await.is_none(), "and no more");
            // The peer can still be told, and its further bytes do no harm
            start(&mut ws, Outgoing::Close(Some(told.into()))).unwrap();
            peer.write_all(&[0xff; 100]).await.unwrap();
            flush(&mut ws).await.unwrap();
        });
    }
}
