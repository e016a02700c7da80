//! A Directory's scope, mapping, roles and output, compiled once per generation.

use std::collections::HashSet;

use super::expr::{Library, Machine, Program, Uses};
use super::limits::ROLES;
use super::mapping::Mapping;
use super::output::Output;
use super::roles::{Grants, RoleTable};
use super::subject;
use crate::api::rules::{MappingRule, Roles, Scope};
use crate::model::group::MAX_INLINE_MEMBERS;

/// All members that `user` and `group` can have. Another one is never there, so whoever reads it by the dot
/// has misspelt it.
const MEMBERS: &[(&str, &[&str])] = &[("user", subject::MEMBERS), ("group", subject::GROUP_MEMBERS)];

/// What decides who is in and what is made of them.
pub struct Rules {
    pub(super) directory: String,
    library: Library,
    pub(super) users: Option<Program>,
    pub(super) groups: Option<Program>,
    pub(super) only_group_members: bool,
    pub(super) mapping: Vec<Mapping>,
    pub(super) roles: Option<RoleTable>,
    pub(super) output: Option<Output>,
    pub(super) inactive_in_groups: bool,
    /// How many members a group may have.
    pub(super) max_members: usize,
}

/// Something wrong with the rules of a Directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Path of the field: `spec.scope.users`, `spec.mapping[2].value`.
    pub field: String,
    /// What is wrong, with the line and column in the expression, and what to do.
    pub message: String,
}

impl Rules {
    /// Compiles the rules of a Directory; `attributes` is its `spec.output.attributes`.
    ///
    /// # Errors
    /// Everything that is wrong, not just the first.
    pub fn compile(
        directory: &str,
        scope: &Scope,
        mapping: &[MappingRule],
        roles: Option<&Roles>,
        attributes: Option<&[String]>,
    ) -> Result<Self, Vec<RuleError>> {
        let mut compiler = Compiler { library: Library::new(), errors: Vec::new() };
        let users = compiler.condition("spec.scope.users", scope.users.as_deref(), &["user", "raw"]);
        let groups = compiler.condition("spec.scope.groups", scope.groups.as_deref(), &["group", "raw"]);
        let mapping_rules = compiler.mapping(mapping);
        if roles.is_some_and(|roles| roles.rules.len() > ROLES) {
            compiler.error(
                "spec.roles.rules",
                format!("there are more than {ROLES} rules; put groups of one role into one rule"),
            );
        }
        let output = attributes.and_then(|attributes| compiler.output(attributes, mapping));
        if !compiler.errors.is_empty() {
            return Err(compiler.errors);
        }
        Ok(Self {
            directory: directory.to_owned(),
            library: compiler.library,
            users,
            groups,
            only_group_members: scope.only_group_members,
            mapping: mapping_rules,
            roles: roles.map(RoleTable::new),
            output,
            inactive_in_groups: true,
            max_members: MAX_INLINE_MEMBERS,
        })
    }

    /// Takes inactive people out of all groups: they are to go.
    #[must_use]
    pub fn without_inactive_members(self) -> Self {
        Self { inactive_in_groups: false, ..self }
    }

    /// Lets groups have any number of members: they need not fit into one object.
    #[must_use]
    pub fn with_groups_of_any_size(self) -> Self {
        Self { max_members: usize::MAX, ..self }
    }

    /// A machine for the expressions.
    pub(super) fn machine(&self) -> Machine {
        self.library.machine()
    }

    /// Whether anything depends on which groups a person is in.
    pub(super) fn need_memberships(&self) -> bool {
        self.roles.is_some() || self.only_group_members || self.need_group_names()
    }

    /// Whether an expression reads the names of a person's groups.
    pub(super) fn need_group_names(&self) -> bool {
        self.user_programs().any(|program| program.uses("user").member("groups"))
    }

    /// Whether an expression about people reads the provider's own attributes.
    pub(super) fn need_raw_users(&self) -> bool {
        self.user_programs().any(|program| *program.uses("raw") != Uses::Nothing)
    }

    /// Whether the expression about groups reads the provider's own attributes.
    pub(super) fn need_raw_groups(&self) -> bool {
        self.groups.iter().any(|program| *program.uses("raw") != Uses::Nothing)
    }

    /// What being in a group of the scope gives.
    pub(super) fn grants(&self, display_name: &str) -> Grants {
        self.roles.as_ref().map_or(Grants::ANY, |roles| roles.grants(display_name))
    }

    fn user_programs(&self) -> impl Iterator<Item = &Program> {
        self.users.iter().chain(self.mapping.iter().map(Mapping::program))
    }
}

struct Compiler {
    library: Library,
    errors: Vec<RuleError>,
}

impl Compiler {
    fn error(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.errors.push(RuleError { field: field.into(), message: message.into() });
    }

    fn program(&mut self, field: &str, source: &str, variables: &[&'static str]) -> Option<Program> {
        match self.library.compile_knowing(source, variables, MEMBERS) {
            Ok(program) => Some(program),
            Err(error) => {
                self.error(field, error.to_string());
                None
            }
        }
    }

    fn condition(
        &mut self,
        field: &str,
        source: Option<&str>,
        variables: &[&'static str],
    ) -> Option<Program> {
        self.program(field, source?, variables)
    }

    fn mapping(&mut self, rules: &[MappingRule]) -> Vec<Mapping> {
        let mut mapping = Vec::with_capacity(rules.len());
        let mut seen = HashSet::new();
        for (place, rule) in rules.iter().enumerate() {
            let attribute = format!("spec.mapping[{place}].attribute");
            if !seen.insert(rule.attribute.as_str()) {
                self.error(
                    attribute,
                    format!("'{}' is set by an earlier rule; keep one of them", rule.attribute),
                );
                continue;
            }
            let field = format!("spec.mapping[{place}].value");
            let Some(program) = self.program(&field, &rule.value, &["raw", "user"]) else { continue };
            match Mapping::new(&rule.attribute, field, rule.required, program) {
                Ok(rule) => mapping.push(rule),
                Err(message) => self.error(attribute, message),
            }
        }
        mapping
    }

    fn output(&mut self, attributes: &[String], mapping: &[MappingRule]) -> Option<Output> {
        match Output::new(attributes, mapping.iter().map(|rule| rule.attribute.as_str())) {
            Ok(output) => Some(output),
            Err(unknown) => {
                for (place, name) in unknown {
                    let standard = Output::standard();
                    self.error(
                        format!("spec.output.attributes[{place}]"),
                        format!("there is no attribute '{name}'; there are {standard}, and those that spec.mapping adds"),
                    );
                }
                None
            }
        }
    }
}
