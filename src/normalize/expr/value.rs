//! Between JSON and CEL: what an expression sees, and what it may answer.

use std::borrow::Cow;
use std::collections::HashMap;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelOptional, CelString, CelUInt,
};
use cel::common::value::Val;
use serde_json::{Map, Value};

use super::meter::{Exhausted, Meter, weight};
use super::{Failure, Uses};
use crate::normalize::limits::{MAX_ATTRIBUTE_TEXT, MAX_ATTRIBUTE_VALUES};

/// Something that an expression sees as a map.
pub trait Object {
    /// The names of all members that are there.
    fn names(&self) -> Vec<&str>;

    /// A member, if it is there.
    fn member(&self, name: &str) -> Option<Member<'_>>;
}

/// A member of an [`Object`].
#[derive(Clone, Debug)]
pub enum Member<'v> {
    /// Text.
    Text(&'v str),
    /// A list of text.
    Texts(&'v [&'v str]),
    /// Anything else.
    Json(Cow<'v, Value>),
}

impl Object for Map<String, Value> {
    fn names(&self) -> Vec<&str> {
        self.keys().map(String::as_str).collect()
    }

    fn member(&self, name: &str) -> Option<Member<'_>> {
        self.get(name).map(|value| Member::Json(Cow::Borrowed(value)))
    }
}

/// Makes the members of an object that a program uses into a CEL map, and charges for them.
pub fn variable<'v>(
    object: &'v dyn Object,
    uses: &Uses,
    meter: &Meter,
) -> Result<Box<dyn Val + 'v>, Exhausted> {
    let names: Vec<&str> = match uses {
        Uses::Nothing => Vec::new(),
        Uses::Members(names) => names.iter().map(String::as_str).collect(),
        Uses::Everything => object.names(),
    };
    let mut map: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::with_capacity(names.len());
    for name in names {
        if let Some(member) = object.member(name) {
            let value = from_member(member);
            meter.charge(weight(&*value))?;
            map.insert(CelMapKey::String(CelString::from(name.to_owned())), value);
        }
    }
    Ok(Box::new(CelMap::from(map)))
}

fn from_member(member: Member<'_>) -> Box<dyn Val + '_> {
    match member {
        Member::Text(text) => Box::new(CelString::from(text)),
        Member::Texts(texts) => Box::new(CelList::from(
            texts.iter().map(|text| boxed(CelString::from(*text))).collect::<Vec<_>>(),
        )),
        Member::Json(Cow::Borrowed(value)) => from_json(value),
        Member::Json(Cow::Owned(value)) => from_owned_json(value),
    }
}

fn from_json(value: &Value) -> Box<dyn Val + '_> {
    match value {
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Array(values) => Box::new(CelList::from(values.iter().map(from_json).collect::<Vec<_>>())),
        Value::Object(members) => Box::new(CelMap::from(
            members
                .iter()
                .map(|(name, value)| (CelMapKey::String(CelString::from(name.as_str())), from_json(value)))
                .collect::<HashMap<_, _>>(),
        )),
        scalar => from_scalar(scalar),
    }
}

fn from_owned_json<'v>(value: Value) -> Box<dyn Val + 'v> {
    match value {
        Value::String(text) => Box::new(CelString::from(text)),
        Value::Array(values) => {
            Box::new(CelList::from(values.into_iter().map(from_owned_json).collect::<Vec<_>>()))
        }
        Value::Object(members) => Box::new(CelMap::from(
            members
                .into_iter()
                .map(|(name, value)| (CelMapKey::String(CelString::from(name)), from_owned_json(value)))
                .collect::<HashMap<_, _>>(),
        )),
        scalar => from_scalar(&scalar),
    }
}

fn from_scalar<'v>(value: &Value) -> Box<dyn Val + 'v> {
    match value {
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => Box::new(CelInt::from(int)),
            (None, Some(uint)) => Box::new(CelUInt::from(uint)),
            (None, None) => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        _ => Box::new(CelNull),
    }
}

fn boxed<'v>(value: impl Val + 'v) -> Box<dyn Val + 'v> {
    Box::new(value)
}

/// Reads the answer of a condition.
pub fn read_bool(value: &dyn Val) -> Result<bool, Failure> {
    match value.downcast_ref::<CelBool>() {
        Some(answer) => Ok(*answer.inner()),
        None => Err(Failure::Invalid(format!("the result is of type {}, not bool", value.get_type().name()))),
    }
}

/// Reads an attribute; `None` stands for null, an empty list or an empty optional.
pub fn read_attribute(value: &dyn Val) -> Result<Option<Value>, Failure> {
    if let Some(optional) = value.downcast_ref::<CelOptional>() {
        return optional.option().map_or(Ok(None), read_attribute);
    }
    if value.downcast_ref::<CelNull>().is_some() {
        return Ok(None);
    }
    let Some(list) = value.downcast_ref::<CelList>() else { return read_scalar(value).map(Some) };
    if list.inner().len() > MAX_ATTRIBUTE_VALUES {
        return Err(Failure::Invalid(format!("the list has more than {MAX_ATTRIBUTE_VALUES} values")));
    }
    let values = list.inner().iter().map(|value| read_scalar(&**value)).collect::<Result<Vec<_>, _>>()?;
    Ok((!values.is_empty()).then_some(Value::Array(values)))
}

fn read_scalar(value: &dyn Val) -> Result<Value, Failure> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        if text.inner().len() > MAX_ATTRIBUTE_TEXT {
            return Err(Failure::Invalid(format!("the text has more than {MAX_ATTRIBUTE_TEXT} bytes")));
        }
        return Ok(Value::from(text.inner()));
    }
    let number = if let Some(value) = value.downcast_ref::<CelBool>() {
        Some(Value::from(*value.inner()))
    } else if let Some(value) = value.downcast_ref::<CelInt>() {
        Some(Value::from(*value.inner()))
    } else if let Some(value) = value.downcast_ref::<CelUInt>() {
        // The cluster keeps whole numbers as 64 bits with a sign.
        i64::try_from(*value.inner()).ok().map(Value::from)
    } else if let Some(value) = value.downcast_ref::<CelDouble>() {
        read_double(*value.inner())
    } else {
        let kind = value.get_type().name();
        return Err(Failure::Invalid(format!(
            "a value of type {kind} cannot be an attribute; make it text, a number, a boolean or a list of those"
        )));
    };
    number.ok_or_else(|| Failure::Invalid("the number is out of range".to_owned()))
}

/// The cluster writes `2.0` as `2`: writing it so from the start keeps a mirror equal to itself.
fn read_double(number: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and far below the bounds of i64")]
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Some(Value::from(number as i64));
    }
    serde_json::Number::from_f64(number).map(Value::Number)
}
