//! Calls to the machine's own functions, which read the meter where a value is walked, copied or grown.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};

use crate::normalize::expr::functions::CHARGE;

/// Has a value paid for before what it stands in takes it.
pub(super) fn charge(id: u64, expr: Expr) -> Expr {
    call(CHARGE, vec![IdedExpr { id, expr }])
}

/// A call to a function of the machine, with a number.
pub(super) fn internal(id: u64, function: &str, node: IdedExpr, number: i64) -> Expr {
    let number = IdedExpr { id, expr: Expr::Literal(LiteralValue::Int(number.into())) };
    call(function, vec![node, number])
}

fn call(function: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args })
}
