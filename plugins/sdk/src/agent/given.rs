//! Members of JSON objects, where blank values count as missing.

use serde_json::Value;

/// The value of a member, unless it is blank: null, false, an empty text, or a list or object of such. Services write members
/// without a value in all of these ways.
pub fn given<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|value| !is_blank(value))
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::Number(_) => false,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_blank),
        Value::Object(members) => members.values().all(is_blank),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::given;

    #[test]
    fn what_says_nothing_is_absent() {
        for blank in
            [json!(null), json!(false), json!(""), json!(" "), json!([]), json!([null]), json!({"a": null})]
        {
            assert_eq!(given(&json!({ "key": blank }), "key"), None);
        }
        for said in [json!(0), json!("a"), json!([1]), json!({"a": {"b": "c"}})] {
            assert_eq!(given(&json!({ "key": said }), "key"), Some(&said));
        }
    }
}
