//! A root of our own and a certificate for this machine, made anew for each run: neither is worth
//! keeping, and nobody else trusts them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// Whom the certificate is for
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Writes `ca.pem`, `cert.pem` and `key.pem` into `folder`, for us and for who has one of `names`
pub(crate) fn write(folder: &Path, names: &[String]) -> Result<()> {
    let key = KeyPair::generate()?;
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    root.distinguished_name.push(DnType::CommonName, "everbeat interop, for one run");
    let ca = root.self_signed(&key)?;
    let issuer = Issuer::new(root, key);

    let key = KeyPair::generate()?;
    let names = NAMES.into_iter().map(String::from).chain(names.iter().cloned());
    let mut leaf = CertificateParams::new(names.collect::<Vec<_>>())?;
    leaf.use_authority_key_identifier_extension = true;
    let cert = leaf.signed_by(&key, &issuer)?;

    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (name, pem) in
        [("ca.pem", ca.pem()), ("cert.pem", cert.pem()), ("key.pem", key.serialize_pem())]
    {
        let path = folder.join(name);
        fs::write(&path, pem).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
