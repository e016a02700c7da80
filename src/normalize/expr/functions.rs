//! The functions that expressions may call: the standard ones by name, and text functions of
//! our own, after the CEL strings extension, that pay before they make something large.

use std::sync::Arc;

use cel::common::types::{CelBool, CelInt, CelList, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, FunctionContext};
use regex::Regex;

use super::meter::{ELEMENT_COST, MATCH_COST, Meter, text_weight, weight};

/// Charges for a value and hands it on. Cannot be written in CEL, as all names with `@`.
pub const CHARGE: &str = "@charge";
/// Charges for the walk over a list and hands it on.
pub const RANGE: &str = "@range";
/// Matches text with a pattern of the library, given by its number.
pub const MATCH: &str = "@match";

/// How a function is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `size(x)`.
    Global,
    /// `x.trim()`.
    Method,
    /// Both.
    Either,
}

/// Every function, how it is written, and how many arguments it takes besides its receiver.
///
/// The interpreter would find an unknown function only on the first record.
pub const FUNCTIONS: &[(&str, Style, &[usize])] = &[
    ("bool", Style::Global, &[1]),
    ("bytes", Style::Global, &[1]),
    ("contains", Style::Method, &[1]),
    ("double", Style::Global, &[1]),
    ("duration", Style::Global, &[1]),
    ("dyn", Style::Global, &[1]),
    ("endsWith", Style::Method, &[1]),
    ("getDate", Style::Method, &[0, 1]),
    ("getDayOfMonth", Style::Method, &[0, 1]),
    ("getDayOfWeek", Style::Method, &[0, 1]),
    ("getDayOfYear", Style::Method, &[0, 1]),
    ("getFullYear", Style::Method, &[0, 1]),
    ("getHours", Style::Method, &[0, 1]),
    ("getMilliseconds", Style::Method, &[0, 1]),
    ("getMinutes", Style::Method, &[0, 1]),
    ("getMonth", Style::Method, &[0, 1]),
    ("getSeconds", Style::Method, &[0, 1]),
    ("hasValue", Style::Method, &[0]),
    ("indexOf", Style::Method, &[1]),
    ("int", Style::Global, &[1]),
    ("join", Style::Method, &[0, 1]),
    ("lastIndexOf", Style::Method, &[1]),
    ("lowerAscii", Style::Method, &[0]),
    ("matches", Style::Either, &[1]),
    ("or", Style::Method, &[1]),
    ("orValue", Style::Method, &[1]),
    ("replace", Style::Method, &[2]),
    ("size", Style::Either, &[0]),
    ("split", Style::Method, &[1]),
    ("startsWith", Style::Method, &[1]),
    ("string", Style::Global, &[1]),
    ("substring", Style::Method, &[1, 2]),
    ("timestamp", Style::Global, &[1]),
    ("trim", Style::Method, &[0]),
    ("type", Style::Global, &[1]),
    ("uint", Style::Global, &[1]),
    ("upperAscii", Style::Method, &[0]),
    ("value", Style::Method, &[0]),
];

/// The form in which the interpreter keeps functions.
type Function = Box<
    dyn for<'c, 'v> Fn(&mut FunctionContext<'c, 'v>) -> Result<CowVal<'c, 'v>, ExecutionError> + Send + Sync,
>;

/// Adds what the standard library lacks.
pub fn register(context: &mut Context<'_, '_>, meter: &Arc<Meter>, patterns: &[Regex]) {
    let mut add = |name: &str, function: Function| {
        // Fails only for a name of the standard library; the tests call every function.
        let _ = context.add_function(name, function);
    };
    let paying = Arc::clone(meter);
    add(
        CHARGE,
        Box::new(move |call| {
            let value = call.args.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
            pay(&paying, weight(&*value))?;
            Ok(value)
        }),
    );
    let paying = Arc::clone(meter);
    add(
        RANGE,
        Box::new(move |call| {
            let per_element = call.args.pop().as_deref().and_then(number).unwrap_or(0).unsigned_abs();
            let value = call.args.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
            let elements = value.as_sizer().map_or(0, |sized| sized.size().inner().unsigned_abs());
            pay(&paying, weight(&*value).saturating_add(elements.saturating_mul(per_element)))?;
            Ok(value)
        }),
    );
    let (paying, patterns) = (Arc::clone(meter), patterns.to_vec());
    add(
        MATCH,
        Box::new(move |call| {
            let pattern =
                call.args.pop().as_deref().and_then(number).and_then(|place| usize::try_from(place).ok());
            let pattern = pattern.and_then(|place| patterns.get(place));
            let pattern = pattern.ok_or_else(ExecutionError::missing_argument_or_target)?;
            let text = argument(call, 0)?;
            pay(&paying, text_weight(text.len()).saturating_mul(MATCH_COST))?;
            Ok(CowVal::owned(CelBool::from(pattern.is_match(text))))
        }),
    );
    add("lowerAscii", Box::new(|call| Ok(owned(receiver(call)?.to_ascii_lowercase()))));
    add("upperAscii", Box::new(|call| Ok(owned(receiver(call)?.to_ascii_uppercase()))));
    add("trim", Box::new(|call| Ok(owned(receiver(call)?.trim().to_owned()))));
    add("indexOf", Box::new(|call| Ok(position(receiver(call)?, receiver(call)?.find(argument(call, 0)?)))));
    add(
        "lastIndexOf",
        Box::new(|call| Ok(position(receiver(call)?, receiver(call)?.rfind(argument(call, 0)?)))),
    );
    add("substring", Box::new(|call| substring(call)));
    let paying = Arc::clone(meter);
    add("split", Box::new(move |call| split(call, &paying)));
    let paying = Arc::clone(meter);
    add("join", Box::new(move |call| join(call, &paying)));
    let paying = Arc::clone(meter);
    add("replace", Box::new(move |call| replace(call, &paying)));
}

fn pay(meter: &Meter, cost: u64) -> Result<(), ExecutionError> {
    meter.charge(cost).map_err(|_| ExecutionError::function_error(CHARGE, "the evaluation costs too much"))
}

fn owned<'c, 'v>(text: String) -> CowVal<'c, 'v> {
    CowVal::owned(CelString::from(text))
}

/// The place of a byte, in characters; -1 for none.
fn position<'c, 'v>(text: &str, byte: Option<usize>) -> CowVal<'c, 'v> {
    let place = byte.map_or(-1, |byte| i64::try_from(text[..byte].chars().count()).unwrap_or(i64::MAX));
    CowVal::owned(CelInt::from(place))
}

fn number(value: &dyn Val) -> Option<i64> {
    value.downcast_ref::<CelInt>().map(|number| *number.inner())
}

fn text<'a>(function: &str, value: &'a dyn Val) -> Result<&'a str, ExecutionError> {
    value.downcast_ref::<CelString>().map(CelString::inner).ok_or_else(|| {
        ExecutionError::no_such_member_overload(function, vec![value.get_type().name().to_owned()])
    })
}

fn receiver<'a>(call: &'a FunctionContext<'_, '_>) -> Result<&'a str, ExecutionError> {
    let value = call.this.as_ref().ok_or_else(ExecutionError::missing_argument_or_target)?;
    text(call.name, &**value)
}

fn argument<'a>(call: &'a FunctionContext<'_, '_>, place: usize) -> Result<&'a str, ExecutionError> {
    let value = call.args.get(place).ok_or_else(ExecutionError::missing_argument_or_target)?;
    text(call.name, &**value)
}

/// The part from one character to before another.
fn substring<'c, 'v>(call: &FunctionContext<'c, 'v>) -> Result<CowVal<'c, 'v>, ExecutionError> {
    let text = receiver(call)?;
    let bound = |place: usize| {
        let value = call.args.get(place)?;
        number(&**value).and_then(|number| usize::try_from(number).ok())
    };
    let invalid = || ExecutionError::function_error("substring", "the bounds lie outside the text");
    let start = bound(0).ok_or_else(invalid)?;
    let length = text.chars().count();
    let end = if call.args.len() > 1 { bound(1).ok_or_else(invalid)? } else { length };
    if start > end || end > length {
        return Err(invalid());
    }
    Ok(owned(text.chars().skip(start).take(end - start).collect()))
}

fn split<'c, 'v>(call: &FunctionContext<'c, 'v>, meter: &Meter) -> Result<CowVal<'c, 'v>, ExecutionError> {
    let (text, separator) = (receiver(call)?, argument(call, 0)?);
    let parts: u64 = if separator.is_empty() { text.len() as u64 } else { count(text, separator) + 1 };
    pay(meter, parts.saturating_mul(ELEMENT_COST).saturating_add(text.len() as u64))?;
    let element = |part: &str| -> Box<dyn Val> { Box::new(CelString::from(part.to_owned())) };
    let list: Vec<Box<dyn Val>> = if separator.is_empty() {
        text.chars().map(|character| element(character.encode_utf8(&mut [0; 4]))).collect()
    } else {
        text.split(separator).map(element).collect()
    };
    Ok(CowVal::owned(CelList::from(list)))
}

fn join<'c, 'v>(call: &FunctionContext<'c, 'v>, meter: &Meter) -> Result<CowVal<'c, 'v>, ExecutionError> {
    let value = call.this.as_ref().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let list = value.downcast_ref::<CelList>().ok_or_else(|| {
        ExecutionError::no_such_member_overload("join", vec![value.get_type().name().to_owned()])
    })?;
    let separator = if call.args.is_empty() { "" } else { argument(call, 0)? };
    let parts = list.inner().iter().map(|part| text("join", &**part)).collect::<Result<Vec<_>, _>>()?;
    let length: u64 = parts.iter().map(|part| part.len() as u64).sum();
    pay(meter, length.saturating_add((parts.len() as u64).saturating_mul(separator.len() as u64)))?;
    Ok(owned(parts.join(separator)))
}

fn replace<'c, 'v>(call: &FunctionContext<'c, 'v>, meter: &Meter) -> Result<CowVal<'c, 'v>, ExecutionError> {
    let (text, from, to) = (receiver(call)?, argument(call, 0)?, argument(call, 1)?);
    let growth = count(text, from).saturating_mul(to.len() as u64);
    pay(meter, growth.saturating_add(text.len() as u64))?;
    Ok(owned(text.replace(from, to)))
}

fn count(text: &str, part: &str) -> u64 {
    text.matches(part).count() as u64
}
