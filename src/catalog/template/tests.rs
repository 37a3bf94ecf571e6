use proptest::prelude::*;

use super::{Template, without_placeholders};

fn captured(pattern: &str, name: &str) -> Option<String> {
    let template = Template::parse(pattern).unwrap();
    let captures = template.captures(name)?;
    let told = captures.iter().map(|(name, value)| format!("{name}={value}"));
    Some(told.collect::<Vec<_>>().join(" "))
}

#[test]
fn placeholders_take_from_the_left_as_little_as_can_be() {
    let cases = [
        ("{a}", "x.y", Some("a=x.y")),
        ("{a}", "", None),
        ("{a}_csv", "flights_csv", Some("a=flights")),
        ("{a}_csv", "_csv", None),
        ("{a}_csv", "x_csv_csv", Some("a=x_csv")),
        ("{a}.{b}", "one.two.three", Some("a=one b=two.three")),
        ("{a}.{b}_csv", "n.x.y_csv", Some("a=n b=x.y")),
        ("{a}{b}", "xyz", Some("a=x b=yz")),
        ("{a}{b}", "x", None),
        ("raw_{a}", "raw_", None),
        ("raw_{a}", "raw_é", Some("a=é")),
        ("x{a}x", "xx", None),
        ("x{a}x", "xxx", Some("a=x")),
        ("{a}.{b}.c", "1.2.c", Some("a=1 b=2")),
        ("{a}.{b}.c", "1.c", None),
        ("{a}.{b}", ".x.y", Some("a=.x b=y")),
        ("p{{q}}_{a}", "p{q}_1", Some("a=1")),
        ("exact", "exact", Some("")),
        ("exact", "exactly", None),
    ];
    for (pattern, name, expected) in cases {
        assert_eq!(captured(pattern, name).as_deref(), expected, "{pattern} of {name}");
    }
}

#[test]
fn brace_without_its_half_is_told() {
    for text in ["{a", "a}", "{", "}", "{a}}", "{a-b}", "{}", "{a {b}}"] {
        let told = Template::parse(text).err().unwrap();
        assert!(told.starts_with(&format!("`{text}`: ")) && told.contains("doubled"), "{told}");
    }
}

proptest! {
    #[test]
    fn filled_with_what_it_captured_it_is_the_name(
        pattern in "([ab.]{0,2}(\\{[xy]\\})?){1,4}",
        name in "[ab.é]{0,8}",
    ) {
        let template = Template::parse(&pattern).unwrap();
        let mut placeholders: Vec<_> = template.placeholders().collect();
        placeholders.sort_unstable();
        prop_assume!(placeholders.windows(2).all(|pair| pair[0] != pair[1]));
        if let Some(captures) = template.captures(&name) {
            prop_assert_eq!(template.filled(&captures), name.clone());
            prop_assert!(captures.iter().all(|(_, value)| !value.is_empty()));
        }
    }

    #[test]
    fn text_without_placeholders_is_itself_whatever_is_in_it(text in "[a{}]{0,9}") {
        let template = Template::parse(&without_placeholders(&text)).unwrap();
        prop_assert_eq!(template.filled(&Vec::new()), text);
    }
}
