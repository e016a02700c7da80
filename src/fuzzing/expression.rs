//! Expressions (CEL) of a Directory, over whatever a record holds.

use serde_json::{Map, Value};

use crate::normalize::expr::{Library, MAX_COST, Object};

/// Compiles the text before the first NUL, and evaluates it as a condition and as an attribute
/// over the JSON object after it.
///
/// # Panics
/// When a promise is broken: that is what the fuzzer looks for.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (source, record) = text.split_once('\0').unwrap_or((text, "{}"));
    let mut library = Library::new();
    let Ok(program) = library.compile(source, &["user", "raw"]) else { return };
    let Ok(record) = serde_json::from_str::<Map<String, Value>>(record) else { return };
    let record: &dyn Object = &record;
    let variables = [("user", record), ("raw", record)];
    let machine = library.machine();
    let decided = machine.decide(&program, &variables);
    assert!(machine.total_cost() <= MAX_COST, "an evaluation ends within its budget");
    assert!(machine.decide(&program, &variables) == decided, "an expression has one value");
    drop(machine.attribute(&program, &variables));
    assert!(machine.total_cost() <= 3 * MAX_COST, "an evaluation ends within its budget");
}
