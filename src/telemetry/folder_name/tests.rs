use std::path::{Component, Path};

use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use super::{LONGEST, folder_name};

#[track_caller]
fn assert_safe(name: &str, safe: &str) {
    assert!((1..=LONGEST).contains(&safe.len()), "{name:?}: {safe}");
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.%+".contains(&byte);
    assert!(safe.bytes().all(is_fine), "{name:?}: {safe}");
    assert!(!safe.starts_with('.') && !safe.ends_with('.'), "{name:?}: {safe}");
    let parts: Vec<_> = Path::new(safe).components().collect();
    assert_eq!(parts, [Component::Normal(safe.as_ref())], "{name:?}");
}

#[test]
fn plain_names_are_as_they_are() {
    for name in ["nightly-42", "ns.clean", "a", "A_b-c.d.1", "com", "console", "x.con", "nul_"] {
        assert_eq!(folder_name(name), name);
    }
}

#[test]
fn other_names_stay_where_they_are_put() {
    let names = [
        ("", "%"),
        ("%", "%25"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "%2E.%2E"),
        (".hidden", "%2Ehidden"),
        ("../../x", "%2E.%2F..%2Fx"),
        ("/etc/passwd", "%2Fetc%2Fpasswd"),
        (r"C:\x", "C%3A%5Cx"),
        ("a b", "a%20b"),
        ("a~2", "a%7E2"),
        ("a+b", "a%2Bb"),
        ("nul\0byte", "nul%00byte"),
        ("für", "f%C3%BCr"),
        ("\u{202e}x", "%E2%80%AEx"),
    ];
    for (name, safe) in names {
        assert_eq!(folder_name(name), safe);
        assert_safe(name, safe);
    }
}

#[test]
fn a_device_of_windows_is_never_named() {
    let names = [
        ("con", "%63on"),
        ("CON", "%43ON"),
        ("nul.1", "%6Eul.1"),
        ("Com7", "%43om7"),
        ("lpt0.x.y", "%6Cpt0.x.y"),
    ];
    for (name, safe) in names {
        assert_eq!(folder_name(name), safe);
    }
}

#[test]
fn long_names_are_cut_and_told_apart_by_a_hash() {
    let long = "x".repeat(10_000);
    let (one, other) = (folder_name(&format!("{long}1")), folder_name(&format!("{long}2")));
    assert_eq!((one.len(), other.len()), (LONGEST, LONGEST));
    assert!(one != other && one.starts_with("xxx") && one.contains('+'), "{one}");
    assert_eq!(folder_name(&long[..LONGEST]), long[..LONGEST]);
    assert_eq!(folder_name(&long[..=LONGEST]).len(), LONGEST);
    // The name of a file that somebody has must be found by the next release.
    let known = format!("{}+6bdc88d2d4763619b42e507551d81fbf", "x".repeat(117));
    assert_eq!(folder_name(&long[..=LONGEST]), known);
    for shift in 0..3 {
        let name = "y".repeat(shift) + &"ü".repeat(100);
        let safe = folder_name(&name);
        assert_safe(&name, &safe);
        let kept = safe.split('+').next().unwrap();
        let is_whole = kept.split('%').skip(1).all(|digits| digits.len() == 2);
        assert!(is_whole, "{safe}");
    }
}

/// Whatever may be in a name, and what is special in one more often than by chance.
fn any_name() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9_.%+~-]{0,12}",
        prop_oneof!["con", "NUL", "com1", "lpt9", "aux"],
        Just("/../".to_owned()),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_name_is_safe_and_can_be_told_from_its_file(name in any_name()) {
        let safe = folder_name(&name);
        assert_safe(&name, &safe);
        if safe.contains('+') {
            prop_assert_eq!(safe.len() - safe.find('+').unwrap(), 33);
        } else if safe == "%" {
            prop_assert_eq!(name, "");
        } else {
            prop_assert_eq!(percent_decode_str(&safe).decode_utf8().unwrap(), name);
        }
    }

    #[test]
    fn two_names_are_two_files(one in any_name(), other in any_name()) {
        prop_assert_eq!(one == other, folder_name(&one) == folder_name(&other));
    }
}
