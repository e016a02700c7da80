//! What is wrong with an expression, in words for a person.

use std::fmt;

/// How the parser's messages about the text begin.
const SYNTAX: &str = "Syntax error: ";

/// For what the parser refuses without words.
pub(super) const UNREADABLE: &str = "the expression cannot be read";

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// Line, from 1; 0 when the error is about the expression as a whole.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        f.write_str(&self.message)
    }
}

impl CompileError {
    pub(super) fn whole(message: impl Into<String>) -> Self {
        Self { line: 0, column: 0, message: message.into() }
    }
}

/// The first of the parser's errors that is about the text; the others follow from it.
pub(super) fn syntax_error(errors: &[cel::ParseError]) -> CompileError {
    let first = errors.iter().find(|error| error.msg.starts_with(SYNTAX)).or_else(|| errors.first());
    let Some(error) = first else { return CompileError::whole(UNREADABLE) };
    CompileError {
        line: usize::try_from(error.pos.0).unwrap_or(0),
        column: usize::try_from(error.pos.1).unwrap_or(0),
        message: in_short(&error.msg),
    }
}

/// The parser lists every token that it would have taken.
fn in_short(message: &str) -> String {
    if message.contains("Recursion limit") {
        return "the expression is nested too deeply".to_owned();
    }
    let message = message.lines().next().unwrap_or_default();
    let message = message.strip_prefix(SYNTAX).unwrap_or(message);
    let message = message.split(" expecting {").next().unwrap_or_default();
    if message.is_empty() { UNREADABLE.to_owned() } else { message.chars().take(200).collect() }
}
