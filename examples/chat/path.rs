//! Who somebody is, and where, as a path says it: `/lobby/ann`.

use crate::room::Name;

/// `None` if it says something else
pub(crate) fn name_in(path: &str) -> Option<Name> {
    let mut parts = path.split('/').skip(1);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(room), Some(name), None) if !room.is_empty() && !name.is_empty() => {
            Some(Name { room: room.to_owned(), name: name.to_owned() })
        }
        _ => None,
    }
}
