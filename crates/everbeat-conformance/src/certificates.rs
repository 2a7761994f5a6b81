//! Certificates that are made when a test needs them: good ones, and each kind of bad one.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CertifiedIssuer, DnType, IsCa, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber,
};

/// A certificate authority of a test's own
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its private key, as PEM
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Certified {
    /// The certificate
    pub certificate: String,
    /// Its key
    pub key: String,
    /// What its authority calls it
    pub serial: u64,
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
        Certified { certificate: certificate.pem(), key: key.serialize_pem(), serial: 0 }
    }

    /// A list that revokes these certificates of its own, as PEM
    #[must_use]
    pub fn revoking(&self, revoked: &[&Certified]) -> String {
        let revoke = |certified: &&Certified| RevokedCertParams {
            serial_number: SerialNumber::from(certified.serial),
            revocation_time: rcgen::date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2020, 1, 1),
            next_update: rcgen::date_time_ymd(4096, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(revoke).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().pem().unwrap()
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
        static SERIALS: AtomicU64 = AtomicU64::new(1);
        let serial = SERIALS.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(SerialNumber::from(serial));
        let key = KeyPair::generate().unwrap();
        let certificate: Certificate = params.signed_by(&key, &self.0).unwrap();
        Certified { certificate: certificate.pem(), key: key.serialize_pem(), serial }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
