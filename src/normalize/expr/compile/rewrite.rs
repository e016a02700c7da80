//! Walks an expression's tree: refuses what is too large, too deep or unknown, where it stands, and puts a call
//! around whatever takes time in proportion to a value.

use std::collections::{BTreeMap, BTreeSet};

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue, SelectExpr,
    SourceInfo, operators,
};

use super::charge::{charge, internal};
use super::error::{CompileError, UNREADABLE};
use crate::normalize::expr::functions::{FUNCTIONS, MATCH, RANGE, Style};
use crate::normalize::expr::meter::NODE_COST;
use crate::normalize::expr::{Library, Program, Uses};
use crate::spelling::{did_you_mean, meant};

/// The most nodes (operators, calls, names, literals) of an expression, macros counted as what
/// they stand for.
const MAX_NODES: u64 = 512;

/// How deep an expression may be nested. The interpreter is recursive too, and without
/// optimisation it takes 40 KiB for each of the two calls that a level can need.
const MAX_DEPTH: usize = 20;

/// How many macros that walk a list may stand inside each other.
const MAX_LOOPS: usize = 2;

/// The memory that a compiled regular expression may take, in bytes.
const MAX_PATTERN_BYTES: usize = 64 * 1024;

/// Names that stand for types, as in `type(raw.badge) == string`.
const TYPES: &[&str] = &["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"];

/// Rewrites the tree of one expression, and notes what it costs and reads.
pub(super) struct Rewriter<'a> {
    library: &'a mut Library,
    source: &'a str,
    positions: &'a SourceInfo,
    variables: &'a [&'static str],
    /// All members of those variables of which they are known.
    members: &'a [(&'a str, &'a [&'a str])],
    /// Variables of the macros around.
    bound: Vec<String>,
    nodes: u64,
    /// What it costs to evaluate every node once, literals included.
    cost: u64,
    loops: usize,
    uses: BTreeMap<&'static str, Uses>,
    names: BTreeSet<String>,
}

impl<'a> Rewriter<'a> {
    /// For an expression of this text, of which the parser knows what stands where.
    pub(super) fn new(
        library: &'a mut Library,
        source: &'a str,
        positions: &'a SourceInfo,
        variables: &'a [&'static str],
        members: &'a [(&'a str, &'a [&'a str])],
    ) -> Self {
        Self {
            library,
            source,
            positions,
            variables,
            members,
            bound: Vec::new(),
            nodes: 0,
            cost: 0,
            loops: 0,
            uses: BTreeMap::new(),
            names: BTreeSet::new(),
        }
    }

    /// The program of an expression.
    pub(super) fn program(mut self, expression: IdedExpr) -> Result<Program, CompileError> {
        let expression = self.node(expression, 0)?;
        Ok(Program { expression, base_cost: self.cost, uses: self.uses, names: self.names })
    }

    fn error(&self, node: u64, message: impl Into<String>) -> CompileError {
        // The parser counts in bytes.
        let offset = self.positions.offset_for(node).map_or(0, |(start, _)| start as usize);
        let before = self.source.get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |place| place + 1);
        CompileError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }

    fn node(&mut self, node: IdedExpr, depth: usize) -> Result<IdedExpr, CompileError> {
        let id = node.id;
        self.nodes += 1;
        self.cost += NODE_COST;
        if self.nodes > MAX_NODES {
            return Err(self.error(
                id,
                format!(
                    "the expression is too large from here on (more than {MAX_NODES} parts); make it shorter"
                ),
            ));
        }
        if depth > MAX_DEPTH {
            return Err(self.error(id, format!("the expression is nested more than {MAX_DEPTH} levels deep")));
        }
        let expr = match node.expr {
            Expr::Ident(name) => {
                self.resolve(id, &name)?;
                if let Some(variable) = self.variable(&name) {
                    self.uses.insert(variable, Uses::Everything);
                }
                Expr::Ident(name)
            }
            Expr::Literal(literal) => {
                if let LiteralValue::String(text) = &literal {
                    self.names.insert(text.inner().to_owned());
                }
                Expr::Literal(literal)
            }
            Expr::Select(select) => self.select(select, depth)?,
            Expr::Call(call) => self.call(id, call, depth)?,
            Expr::Comprehension(walk) => self.walk(id, *walk, depth)?,
            Expr::List(mut list) => {
                list.elements = self.charged_all(list.elements, depth)?;
                Expr::List(list)
            }
            Expr::Map(mut map) => {
                map.entries = map
                    .entries
                    .into_iter()
                    .map(|entry| self.entry(entry, depth))
                    .collect::<Result<_, _>>()?;
                Expr::Map(map)
            }
            Expr::Struct(_) => {
                return Err(self.error(id, "objects with a type name cannot be made; use a map or a list"));
            }
            Expr::Unspecified => return Err(self.error(id, UNREADABLE)),
        };
        Ok(IdedExpr { id, expr })
    }

    fn resolve(&self, id: u64, name: &str) -> Result<(), CompileError> {
        let known = self.bound.iter().any(|bound| bound == name)
            || self.variable(name).is_some()
            || TYPES.contains(&name);
        if known {
            return Ok(());
        }
        Err(self.error(id, format!("'{name}' is not known here; there is {}", self.variables.join(" and "))))
    }

    fn variable(&self, name: &str) -> Option<&'static str> {
        self.variables.iter().find(|variable| **variable == name).copied()
    }

    /// Notes that a member of a variable is read, if the operand is a variable.
    fn reads_member(&mut self, operand: &Expr, member: &str) -> bool {
        self.names.insert(member.to_owned());
        let Expr::Ident(name) = operand else { return false };
        let Some(variable) = self.variable(name) else { return false };
        match self.uses.entry(variable).or_default() {
            Uses::Everything => {}
            Uses::Members(names) => {
                names.insert(member.to_owned());
            }
            nothing @ Uses::Nothing => *nothing = Uses::Members(BTreeSet::from([member.to_owned()])),
        }
        true
    }

    /// Refuses a member that a variable never has. Those that are asked for by `.?` or by an index are left
    /// alone: their names may be meant for what is to come.
    fn check_member(&self, operand: &IdedExpr, member: &str) -> Result<(), CompileError> {
        let Expr::Ident(variable) = &operand.expr else { return Ok(()) };
        // The name of something else here, or of nothing, which is told of the name itself.
        if self.bound.contains(variable) || self.variable(variable).is_none() {
            return Ok(());
        }
        let known = self.members.iter().find(|(name, _)| name == variable);
        let Some((_, known)) = known.filter(|(_, known)| !known.contains(&member)) else { return Ok(()) };
        let instead = match meant(member, known.iter().copied()) {
            None => format!("; there are {}", known.join(", ")),
            meant => did_you_mean(meant),
        };
        Err(self.error(operand.id, format!("'{variable}' has no member '{member}'{instead}")))
    }

    fn select(&mut self, mut select: SelectExpr, depth: usize) -> Result<Expr, CompileError> {
        self.check_member(&select.operand, &select.field)?;
        if self.reads_member(&select.operand.expr, &select.field) {
            self.nodes += 1;
            self.cost += NODE_COST;
        } else {
            *select.operand = self.node(*select.operand, depth + 1)?;
        }
        Ok(Expr::Select(select))
    }

    fn call(&mut self, id: u64, mut call: CallExpr, depth: usize) -> Result<Expr, CompileError> {
        match call.func_name.as_str() {
            operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT => {
                return self.index(id, call, depth);
            }
            operators::CONDITIONAL
            | operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::NOT_STRICTLY_FALSE => {
                call.args = call
                    .args
                    .into_iter()
                    .map(|argument| self.node(argument, depth + 1))
                    .collect::<Result<_, _>>()?;
                return Ok(Expr::Call(call));
            }
            name if name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
                && !name.starts_with('_') =>
            {
                self.check_function(id, &call)?;
                if call.func_name == "matches" {
                    return self.matches(id, call, depth);
                }
            }
            _ => {}
        }
        call.args = self.charged_all(call.args, depth)?;
        if let Some(target) = call.target {
            call.target = Some(Box::new(self.charged(*target, depth)?));
        }
        Ok(Expr::Call(call))
    }

    fn check_function(&self, id: u64, call: &CallExpr) -> Result<(), CompileError> {
        let name = &call.func_name;
        let Some((_, style, arguments)) = FUNCTIONS.iter().find(|(known, ..)| known == name) else {
            return Err(self.error(id, format!("there is no function '{name}'")));
        };
        // A method's receiver counts as the first argument of the global form.
        let given = match (style, &call.target) {
            (Style::Global, None) | (Style::Method | Style::Either, Some(_)) => call.args.len(),
            (Style::Either, None) if call.args.is_empty() => {
                return Err(self.error(id, format!("'{name}' needs a value; write x.{name}(…)")));
            }
            (Style::Either, None) => call.args.len() - 1,
            (Style::Global, Some(_)) => {
                return Err(self.error(id, format!("'{name}' is not a method; write {name}(…)")));
            }
            (Style::Method, None) => {
                return Err(self.error(id, format!("'{name}' is a method; write x.{name}(…)")));
            }
        };
        if arguments.contains(&given) {
            return Ok(());
        }
        let wanted: Vec<String> = arguments.iter().map(usize::to_string).collect();
        let receiver = if *style == Style::Global { "" } else { " besides the value it is called on" };
        Err(self.error(id, format!("'{name}' takes {} argument(s){receiver}", wanted.join(" or "))))
    }

    /// `a[b]`, `a[?b]` and `a.?b`.
    fn index(&mut self, id: u64, mut call: CallExpr, depth: usize) -> Result<Expr, CompileError> {
        let optional = call.func_name != operators::INDEX;
        let (Some(key), Some(operand)) = (call.args.pop(), call.args.pop()) else {
            return Err(self.error(id, UNREADABLE));
        };
        let member = match &key.expr {
            Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
            _ => None,
        };
        let simple = matches!(&key.expr, Expr::Literal(LiteralValue::Int(_))) || member.is_some();
        let operand = match member {
            Some(member) if self.reads_member(&operand.expr, &member) => operand,
            // The error of an impossible index holds a copy of the list.
            _ if simple => self.node(operand, depth + 1)?,
            _ => self.charged(operand, depth)?,
        };
        let key = self.charged(key, depth)?;
        call.args = vec![operand, key];
        let expr = Expr::Call(call);
        // An optional holds a copy of its value.
        Ok(if optional { charge(id, expr) } else { expr })
    }

    /// Compiles the pattern of `matches` once, instead of on every record.
    fn matches(&mut self, id: u64, mut call: CallExpr, depth: usize) -> Result<Expr, CompileError> {
        let Some(IdedExpr { expr: Expr::Literal(LiteralValue::String(pattern)), .. }) = call.args.pop()
        else {
            return Err(self.error(id, "the pattern of 'matches' must be a literal text"));
        };
        let compiled = regex::RegexBuilder::new(pattern.inner())
            .size_limit(MAX_PATTERN_BYTES)
            .dfa_size_limit(4 * MAX_PATTERN_BYTES)
            .nest_limit(32)
            .build()
            .map_err(|error| {
                let reason = error.to_string();
                let reason =
                    reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.error(id, format!("the pattern of 'matches' cannot be used: {reason}"))
            })?;
        let place = i64::try_from(self.library.patterns.len()).unwrap_or(i64::MAX);
        self.library.patterns.push(compiled);
        let text = call.target.map(|target| *target).or_else(|| call.args.pop());
        let text = text.ok_or_else(|| self.error(id, UNREADABLE))?;
        let text = self.node(text, depth + 1)?;
        Ok(internal(id, MATCH, text, place))
    }

    /// A macro that walks a list.
    fn walk(&mut self, id: u64, walk: ComprehensionExpr, depth: usize) -> Result<Expr, CompileError> {
        if self.loops == MAX_LOOPS {
            return Err(self.error(
                id,
                format!("at most {MAX_LOOPS} of all, exists, exists_one, map and filter may stand inside each other"),
            ));
        }
        if self.variable(&walk.iter_var).is_some() {
            let name = &walk.iter_var;
            return Err(self.error(id, format!("'{name}' is taken; give the elements another name")));
        }
        let range = self.node(walk.iter_range, depth + 1)?;
        let accu_init = self.node(walk.accu_init, depth + 1)?;
        let before = self.cost;
        self.loops += 1;
        self.bound.extend([walk.iter_var.clone(), walk.accu_var.clone()]);
        let loop_cond = self.node(walk.loop_cond, depth + 1)?;
        let loop_step = self.step(&walk.accu_var, walk.loop_step, depth + 1)?;
        let result = self.node(walk.result, depth + 1)?;
        self.bound.truncate(self.bound.len() - 2);
        self.loops -= 1;
        let per_element = i64::try_from(self.cost - before).unwrap_or(i64::MAX);
        let iter_range = IdedExpr { id: range.id, expr: internal(range.id, RANGE, range, per_element) };
        Ok(Expr::Comprehension(Box::new(ComprehensionExpr {
            iter_range,
            accu_init,
            loop_cond,
            loop_step,
            result,
            ..walk
        })))
    }

    /// The step of a walk, in the shapes that the interpreter knows: `map` and `filter` append to
    /// their result in place only when the step is `@result + […]` or `p ? @result + […] : @result`.
    fn step(&mut self, accu: &str, step: IdedExpr, depth: usize) -> Result<IdedExpr, CompileError> {
        match step.expr {
            Expr::Call(mut call) if call.func_name == operators::CONDITIONAL => {
                call.args = call
                    .args
                    .into_iter()
                    .map(|argument| self.step(accu, argument, depth + 1))
                    .collect::<Result<_, _>>()?;
                Ok(IdedExpr { id: step.id, expr: Expr::Call(call) })
            }
            Expr::Call(mut call)
                if call.func_name == operators::ADD
                    && matches!(call.args.first(), Some(IdedExpr { expr: Expr::Ident(name), .. }) if name == accu) =>
            {
                call.args = call
                    .args
                    .into_iter()
                    .map(|argument| self.node(argument, depth + 1))
                    .collect::<Result<_, _>>()?;
                Ok(IdedExpr { id: step.id, expr: Expr::Call(call) })
            }
            expr => self.node(IdedExpr { id: step.id, expr }, depth),
        }
    }

    fn entry(&mut self, entry: IdedEntryExpr, depth: usize) -> Result<IdedEntryExpr, CompileError> {
        let expr = match entry.expr {
            EntryExpr::MapEntry(mut pair) => {
                pair.key = self.charged(pair.key, depth)?;
                pair.value = self.charged(pair.value, depth)?;
                EntryExpr::MapEntry(pair)
            }
            EntryExpr::StructField(_) => return Err(self.error(entry.id, UNREADABLE)),
        };
        Ok(IdedEntryExpr { id: entry.id, expr })
    }

    fn charged_all(&mut self, nodes: Vec<IdedExpr>, depth: usize) -> Result<Vec<IdedExpr>, CompileError> {
        nodes.into_iter().map(|node| self.charged(node, depth)).collect()
    }

    /// A node whose value is walked or copied by what it stands in.
    fn charged(&mut self, node: IdedExpr, depth: usize) -> Result<IdedExpr, CompileError> {
        let node = self.node(node, depth + 1)?;
        let id = node.id;
        Ok(match node.expr {
            // A literal is as long as it is written: its cost is known.
            Expr::Literal(literal) => {
                if let LiteralValue::String(text) = &literal {
                    self.cost += text.inner().len() as u64;
                }
                IdedExpr { id, expr: Expr::Literal(literal) }
            }
            expr => IdedExpr { id, expr: charge(id, expr) },
        })
    }
}
