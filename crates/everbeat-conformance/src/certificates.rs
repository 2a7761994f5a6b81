//! Certificates that are made when a test needs them: good ones, and each kind of bad one.

use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
};

/// A certificate authority of a test's own
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's certificate and private key, as PEM
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Certified {
    /// The certificate
    pub certificate: String,
    /// Its key
    pub key: String,
}

impl Authority {
    /// A new one, which nobody else knows
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Two of one name would be told apart by their signatures only
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("authority {}", MADE.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate, as PEM: what a client trusts
    #[must_use]
    pub fn root(&self) -> String {
        self.0.pem()
    }

    /// A certificate for this name that has signed itself and is a CA's
    #[must_use]
    pub fn self_signed(name: &str) -> Certified {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Certified { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// A good certificate for this name or address
    #[must_use]
    pub fn certify(&self, name: &str) -> Certified {
        self.certify_between(name, 1975, 4096)
    }

    /// A certificate that is valid from the first day of one year to that of another
    #[must_use]
    pub fn certify_between(&self, name: &str, from: i32, to: i32) -> Certified {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate: Certificate = params.signed_by(&key, &self.0).unwrap();
        Certified { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
