//! From source text to a program whose cost is bounded: the parser, on a stack of its own, and what becomes of
//! its tree.

mod charge;
mod error;
mod rewrite;

pub use error::CompileError;

use self::error::{UNREADABLE, syntax_error};
use self::rewrite::Rewriter;
use super::{Library, Program};
use crate::api::rules::MAX_EXPRESSION;

/// Stack for the parser, in bytes. It is recursive: it stops at 96 levels of brackets, of which
/// each takes tens of kilobytes, and a chain of operators as long as the longest expression makes
/// a tree as deep, before anything of ours can refuse it. Only what is touched becomes memory.
const PARSER_STACK: usize = 64 * 1024 * 1024;

/// Compiles an expression.
pub fn compile(
    library: &mut Library,
    source: &str,
    variables: &[&'static str],
    members: &[(&str, &[&str])],
) -> Result<Program, CompileError> {
    let length = source.chars().count();
    if length > MAX_EXPRESSION {
        return Err(CompileError::whole(format!(
            "the expression has {length} characters; at most {MAX_EXPRESSION} are allowed"
        )));
    }
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(PARSER_STACK)
            .spawn_scoped(scope, || parse_and_check(library, source, variables, members))
            .map_err(|error| {
                CompileError::whole(format!("there is no thread to compile the expression: {error}"))
            })?
            .join()
            .map_err(|_| CompileError::whole(UNREADABLE))?
    })
}

fn parse_and_check(
    library: &mut Library,
    source: &str,
    variables: &[&'static str],
    members: &[(&str, &[&str])],
) -> Result<Program, CompileError> {
    let parsed = library.env.parser().parse_with_source_info(source);
    let (expression, positions) = parsed.map_err(|errors| syntax_error(&errors.errors))?;
    Rewriter::new(library, source, &positions, variables, members).program(expression)
}
