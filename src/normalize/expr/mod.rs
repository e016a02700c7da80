//! CEL with bounds: the only module that uses the `cel` crate.
//!
//! The crate's interpreter has no budget of its own. Three things together bound what an
//! expression can cost, whatever it says and whatever the record holds:
//!
//! - [`compile`] refuses what is too long, too deep, too large or unknown, with its position;
//! - it wraps whatever takes time in proportion to a value in a call to the [`meter`], so that
//!   an evaluation pays for values before they are walked, copied or grown;
//! - the functions that can grow text ([`functions`]) pay for their result before making it.
//!
//! Costs are counted, not timed: the same expression over the same record costs the same
//! everywhere. There is no clock and no randomness in an expression, so that it has one value.

mod compile;
mod functions;
mod meter;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cel::parser::Expression;
use cel::{Context, Env, ExecutionError};
use serde_json::Value;

pub use compile::CompileError;
pub use meter::{MAX_COST, NODE_COST};
pub use value::{Member, Object};

use meter::Meter;

/// The expressions of one Directory share their environment and compiled patterns.
pub struct Library {
    env: Arc<Env>,
    patterns: Vec<regex::Regex>,
}

/// A compiled expression.
pub struct Program {
    expression: Expression,
    uses: BTreeMap<&'static str, Uses>,
    /// What every evaluation costs before any value is looked at.
    base_cost: u64,
    /// The names that stand in the expression, which a message may repeat.
    names: BTreeSet<String>,
}

/// Which members of a variable an expression reads; only those are made into CEL values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Uses {
    /// None.
    #[default]
    Nothing,
    /// Those with these names.
    Members(BTreeSet<String>),
    /// Perhaps any: the variable is used as a whole.
    Everything,
}

/// Evaluates the programs of one library, and counts what they cost.
pub struct Machine {
    root: Context<'static, 'static>,
    meter: Arc<Meter>,
}

/// Why an evaluation has no value. Holds no value of the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A key, list element or optional value that is read is not there.
    #[error("{}", missing(.0.as_deref()))]
    Missing(Option<String>),
    /// The evaluation costs more than [`MAX_COST`].
    #[error("the expression costs too much on this record; use fewer or smaller lists")]
    TooExpensive,
    /// The result or a part of the expression has the wrong type, or cannot be computed.
    #[error("{0}")]
    Invalid(String),
}

fn missing(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("there is no '{name}'"),
        None => "something that the expression reads is not there".to_owned(),
    }
}

impl Library {
    /// An empty library.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "an empty library is made in one place, by name")]
    pub fn new() -> Self {
        Self { env: Arc::new(Env::stdlib()), patterns: Vec::new() }
    }

    /// Compiles an expression over variables that are maps.
    ///
    /// # Errors
    /// What is wrong with the expression, and where.
    pub fn compile(&mut self, source: &str, variables: &[&'static str]) -> Result<Program, CompileError> {
        self.compile_knowing(source, variables, &[])
    }

    /// As [`Library::compile`], and refuses `variable.member` where all members of the variable are known and
    /// this is none of them.
    ///
    /// # Errors
    /// What is wrong with the expression, and where.
    pub fn compile_knowing(
        &mut self,
        source: &str,
        variables: &[&'static str],
        members: &[(&str, &[&str])],
    ) -> Result<Program, CompileError> {
        compile::compile(self, source, variables, members)
    }

    /// A machine for the programs of this library, with nothing spent yet.
    #[must_use]
    pub fn machine(&self) -> Machine {
        self.machine_with(Meter::default())
    }

    /// A machine for programs of ours rather than a user's, which may each cost so much.
    #[must_use]
    pub fn machine_with_budget(&self, budget: u64) -> Machine {
        self.machine_with(Meter::with_budget(budget))
    }

    fn machine_with(&self, meter: Meter) -> Machine {
        let meter = Arc::new(meter);
        let mut root = Context::with_env(Arc::clone(&self.env));
        functions::register(&mut root, &meter, &self.patterns);
        Machine { root, meter }
    }
}

impl Program {
    /// Which members of a variable the expression reads.
    #[must_use]
    pub fn uses(&self, variable: &str) -> &Uses {
        self.uses.get(variable).unwrap_or(&Uses::Nothing)
    }
}

impl Uses {
    /// Whether a member of this name may be read.
    #[must_use]
    pub fn member(&self, name: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Members(names) => names.contains(name),
            Self::Everything => true,
        }
    }
}

impl Machine {
    /// Evaluates a condition.
    ///
    /// # Errors
    /// When it has no value, or one that is not true or false.
    pub fn decide(
        &self,
        program: &Program,
        variables: &[(&'static str, &dyn Object)],
    ) -> Result<bool, Failure> {
        self.evaluate(program, variables, value::read_bool)
    }

    /// Evaluates an attribute: text, a number, a boolean, a list of those, or nothing for null,
    /// an empty list and whatever is not there.
    ///
    /// # Errors
    /// When the value is of another type or too large, or cannot be computed.
    pub fn attribute(
        &self,
        program: &Program,
        variables: &[(&'static str, &dyn Object)],
    ) -> Result<Option<Value>, Failure> {
        match self.evaluate(program, variables, value::read_attribute) {
            Err(Failure::Missing(_)) => Ok(None),
            result => result,
        }
    }

    /// What the evaluations of this machine have cost together.
    #[must_use]
    pub fn total_cost(&self) -> u64 {
        self.meter.total()
    }

    fn evaluate<T>(
        &self,
        program: &Program,
        variables: &[(&'static str, &dyn Object)],
        read: fn(&dyn cel::common::value::Val) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.meter.start();
        let result = self.run(program, variables, read);
        // An error in one half of `||` is forgiven when the other is true; a spent budget never is.
        if self.meter.finish() { result } else { Err(Failure::TooExpensive) }
    }

    fn run<T>(
        &self,
        program: &Program,
        variables: &[(&'static str, &dyn Object)],
        read: fn(&dyn cel::common::value::Val) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.charge(program.base_cost)?;
        let mut scope = self.root.new_inner_scope();
        for (name, object) in variables {
            let uses = program.uses(name);
            if *uses != Uses::Nothing {
                let variable =
                    value::variable(*object, uses, &self.meter).map_err(|_| Failure::TooExpensive)?;
                scope.add_variable_as_val(*name, variable);
            }
        }
        let result =
            cel::Value::resolve_val(&program.expression, &scope).map_err(|error| failure(program, &error))?;
        self.charge(meter::weight(&*result))?;
        read(&*result)
    }

    fn charge(&self, cost: u64) -> Result<(), Failure> {
        self.meter.charge(cost).map_err(|_| Failure::TooExpensive)
    }
}

/// Puts an error into words that hold no value of the record.
fn failure(program: &Program, error: &ExecutionError) -> Failure {
    match error {
        ExecutionError::NoSuchKey(name) => {
            Failure::Missing(program.names.contains(name.as_str()).then(|| name.to_string()))
        }
        ExecutionError::IndexOutOfBounds(_) => Failure::Missing(None),
        ExecutionError::FunctionError { function, .. } if function == "value" => Failure::Missing(None),
        ExecutionError::NoSuchOverload(overload)
            if matches!(overload.function(), "_[_]" | "_._")
                && overload.argument_types().first().is_some_and(|first| first == "null_type") =>
        {
            Failure::Missing(None)
        }
        ExecutionError::NoSuchOverload(overload) => Failure::Invalid(format!(
            "{} cannot be applied to ({})",
            operator_name(overload.function()),
            overload.argument_types().join(", ")
        )),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            Failure::Invalid("division by zero".to_owned())
        }
        ExecutionError::Overflow(..) => Failure::Invalid("a number is too large".to_owned()),
        ExecutionError::FunctionError { function, .. } => {
            Failure::Invalid(format!("{function} cannot be computed of this value"))
        }
        ExecutionError::DuplicateKey(_) => Failure::Invalid("a map has the same key twice".to_owned()),
        _ => Failure::Invalid("a part of the expression has a value of the wrong type".to_owned()),
    }
}

/// `_==_` is written `==`.
fn operator_name(function: &str) -> &str {
    match function {
        "_[_]" => "[]",
        "_._" => ".",
        "@in" => "in",
        _ => function.trim_matches('_'),
    }
}

#[cfg(test)]
mod tests;
