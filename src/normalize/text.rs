//! Text as it may stand in an object: Unicode NFC, no control characters, nothing that reorders
//! other text, no white space around it.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// How text with several lines is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Line breaks and tabs become spaces.
    Joined,
    /// Line breaks stay, as `\n`: postal addresses.
    Kept,
}

/// Cleans a text; `None` when nothing is left. Cleaning twice is the same as once.
#[must_use]
pub fn clean(text: String, lines: Lines) -> Option<String> {
    let text = if is_clean(&text) { text } else { cleaned(&text, lines) };
    (!text.is_empty()).then_some(text)
}

/// Most texts are plain ASCII and stay as they are.
fn is_clean(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|byte| (b' '..0x7f).contains(byte))
        && bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
}

fn cleaned(text: &str, lines: Lines) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                kept.push(if lines == Lines::Kept { '\n' } else { ' ' });
            }
            '\t' => kept.push(' '),
            _ if character.is_control() || is_bidi_control(character) => {}
            _ => kept.push(character),
        }
    }
    if is_nfc_quick(kept.chars()) != IsNormalized::Yes {
        kept = kept.nfc().collect();
    }
    kept.trim().to_owned()
}

/// Characters that change the direction of the text after them: a name with one can make the
/// line that it stands in read as something else.
const fn is_bidi_control(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text has at most so many characters, as the schema counts them.
#[must_use]
pub fn fits(text: &str, characters: usize) -> bool {
    text.len() <= characters || text.chars().nth(characters).is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(text: &str) -> Option<String> {
        clean(text.to_owned(), Lines::Joined)
    }

    #[test]
    fn decomposed_letters_become_one_character() {
        assert_eq!(joined("Zoe\u{308}").as_deref(), Some("Zoë"));
    }

    #[test]
    fn control_characters_and_direction_changes_are_removed() {
        assert_eq!(joined("A\0d\u{7}a").as_deref(), Some("Ada"));
        assert_eq!(joined("\u{202e}evil\u{202c}\u{2066}x\u{2069}\u{200f}").as_deref(), Some("evilx"));
    }

    #[test]
    fn white_space_around_goes_and_line_breaks_become_spaces() {
        assert_eq!(joined(" \u{a0}Ada\r\nLovelace\t").as_deref(), Some("Ada Lovelace"));
        assert_eq!(
            clean("Main St 5\r\nBerlin\r".to_owned(), Lines::Kept).as_deref(),
            Some("Main St 5\nBerlin")
        );
    }

    #[test]
    fn text_of_nothing_is_absent() {
        assert_eq!(joined(" \u{200e}\u{0}\n"), None);
        assert_eq!(joined(""), None);
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(fits("ääää", 4));
        assert!(!fits("ääääa", 4));
    }

    proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(text in any::<String>(), kept in any::<bool>()) {
            let lines = if kept { Lines::Kept } else { Lines::Joined };
            let once = clean(text, lines);
            let twice = once.clone().and_then(|text| clean(text, lines));
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn marks_and_controls_in_any_order_clean_to_a_fixed_text(
            text in "[ae \u{300}\u{301}\u{308}\u{200e}\u{202e}\u{0}\r\n\u{2000}\u{1100}\u{1161}\u{11a8}]{0,24}"
        ) {
            let once = clean(text, Lines::Joined);
            let twice = once.clone().and_then(|text| clean(text, Lines::Joined));
            prop_assert_eq!(&once, &twice);
            if let Some(text) = once {
                prop_assert!(!text.chars().any(|c| c.is_control() || is_bidi_control(c)));
            }
        }
    }
}
