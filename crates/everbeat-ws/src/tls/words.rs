//! What rustls only tells by the names of its variants, in words that say what to do.

use std::error::Error as StdError;
use std::fmt;

use futures_rustls::rustls::{
    AlertDescription as Alert, CertificateError as Bad, Error, PeerIncompatible,
};

/// An error of rustls, in our words where we have any
pub(super) fn told(error: Error) -> Told {
    Told { words: words(&error), error }
}

/// It has no source: that would only say the same again, less well
#[derive(Debug)]
pub(super) struct Told {
    words: Option<&'static str>,
    error: Error,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.words {
            Some(words) => f.write_str(words),
            None => self.error.fmt(f),
        }
    }
}

impl StdError for Told {}

fn words(error: &Error) -> Option<&'static str> {
    match error {
        Error::InvalidCertificate(bad) => certificate(bad),
        Error::AlertReceived(alert) => refusal(*alert),
        Error::PeerIncompatible(why) => incompatible(why),
        Error::InconsistentKeys(_) => Some("it is not the key of this certificate"),
        _ => None,
    }
}

fn certificate(bad: &Bad) -> Option<&'static str> {
    Some(match bad {
        Bad::UnknownIssuer => "the CA that signed it has to be among the roots",
        Bad::BadEncoding => "it cannot be read",
        Bad::Revoked => "its CA has withdrawn it",
        Bad::BadSignature => "its signature is wrong",
        Bad::UnknownRevocationStatus => "there is no revocation list of its CA",
        Bad::InvalidPurpose | Bad::InvalidPurposeContext { .. } => {
            "its extended key usage does not allow this"
        }
        // The verifier's own errors come boxed, and tell their names
        Bad::Other(other) => match &*other.to_string() {
            "CaUsedAsEndEntity" => {
                "it is a CA's, and used as a peer's: make one for the peer that the CA signs, \
                 with CA:FALSE"
            }
            "EndEntityUsedAsCa" => "who signed it is no CA",
            "UnsupportedCertVersion" => "it is not X.509 version 3: make it anew",
            "UnsupportedCriticalExtension" => "it has a critical extension that is not known here",
            "NameConstraintViolation" => "its CA may not sign for this name",
            "PathLenConstraintViolated" => "there are more CAs on its way than its root allows",
            _ => return None,
        },
        _ => return None,
    })
}

fn refusal(alert: Alert) -> Option<&'static str> {
    Some(match alert {
        Alert::UnknownCA => "it does not trust the CA of our certificate",
        Alert::CertificateExpired => "our certificate has expired for it",
        Alert::CertificateRevoked => "our certificate has been revoked",
        Alert::BadCertificate | Alert::CertificateUnknown | Alert::UnsupportedCertificate => {
            "our certificate is not good for it"
        }
        Alert::CertificateRequired => "it wants a client's certificate",
        Alert::HandshakeFailure => "it shares no cipher with us, or wants a client's certificate",
        Alert::ProtocolVersion => "it speaks neither TLS 1.2 nor 1.3",
        Alert::UnrecognisedName => "it knows no server of this name",
        Alert::NoApplicationProtocol => "it does not speak HTTP/1.1",
        _ => return None,
    })
}

const fn incompatible(why: &PeerIncompatible) -> Option<&'static str> {
    Some(match why {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => "the peer speaks no version of TLS we do",
        PeerIncompatible::NoCipherSuitesInCommon => "no cipher in common",
        PeerIncompatible::NoKxGroupsInCommon => "no key exchange in common",
        PeerIncompatible::NoSignatureSchemesInCommon => "no signature scheme in common",
        _ => return None,
    })
}
