//! An authority as the openssl command makes it, with what it signs: RSA, and files as its users
//! have them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Set;
use crate::certificates::Certified;

/// What openssl makes, or `None` where there is no openssl
pub(super) fn set(name: &str) -> Option<Set> {
    if Command::new("openssl").arg("version").output().is_err() {
        return None;
    }
    static MADE: AtomicU32 = AtomicU32::new(0);
    let unique = format!("{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let folder = Folder(std::env::temp_dir().join(format!("everbeat-openssl-{unique}")));
    fs::create_dir_all(&folder.0).unwrap();
    folder.run(
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=root -days 2 -keyout root.key -out root.pem",
    );
    let address = name.parse::<std::net::IpAddr>().is_ok();
    let kind = if address { "IP" } else { "DNS" };
    let server = folder.certify("server", &format!("subjectAltName={kind}:{name}\n"));
    let client = folder.certify("client", "extendedKeyUsage=clientAuth\n");
    Some(Set { root: folder.text("root.pem"), server, client })
}

/// Gone with what is in it
struct Folder(PathBuf);

impl Folder {
    fn run(&self, words: &str) {
        let mut openssl = Command::new("openssl");
        let ran = openssl.args(words.split(' ')).current_dir(&self.0).output().unwrap();
        assert!(ran.status.success(), "{words}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn certify(&self, name: &str, extensions: &str) -> Certified {
        fs::write(self.0.join("extensions"), extensions).unwrap();
        self.run(&format!(
            "req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        self.run(&format!(
            "x509 -req -in {name}.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 \
             -extfile extensions -out {name}.pem"
        ));
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        Certified { certificate: self.text(&certificate), key: self.text(&key), serial: 0 }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}
