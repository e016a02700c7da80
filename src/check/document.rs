//! From text to objects that know where they stand: YAML in several documents, JSON, lists of objects.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::Input;
use super::report::{Problem, Severity};

/// The lines of all fields of a document, by path.
type Lines = BTreeMap<String, usize>;

/// One object of a manifest.
pub struct Object {
    /// The object.
    pub value: Value,
    file: String,
    document: usize,
    /// Path of the object in its document: nothing, or `items[2]` in a list.
    prefix: String,
    lines: Rc<Lines>,
}

impl Object {
    /// A text of the object, `metadata.name` as `/metadata/name`.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer)?.as_str()
    }

    /// The kind, or nothing.
    pub fn kind(&self) -> &str {
        self.text("/kind").unwrap_or_default()
    }

    /// The API group; that of the core is empty.
    pub fn group(&self) -> &str {
        self.text("/apiVersion").and_then(|version| version.split_once('/')).map_or("", |(group, _)| group)
    }

    /// Where the object begins, for messages about another: `acme.yaml:3`.
    pub fn place(&self) -> String {
        self.line("").map_or_else(|| self.file.clone(), |line| format!("{}:{line}", self.file))
    }

    /// A problem of one field, or of the whole object when the field is empty.
    pub fn problem(&self, severity: Severity, field: &str, message: impl Into<String>) -> Problem {
        let text = |pointer| self.text(pointer).map(str::to_owned);
        Problem {
            file: self.file.clone(),
            document: self.document,
            line: self.line(field),
            kind: text("/kind"),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            field: Some(field.to_owned()).filter(|field| !field.is_empty()),
            severity,
            message: message.into(),
        }
    }

    /// The line of a field, or of the nearest one around it that is there.
    fn line(&self, field: &str) -> Option<usize> {
        let mut path = joined(&self.prefix, field);
        loop {
            if let Some(line) = self.lines.get(&path) {
                return Some(*line);
            }
            if path.is_empty() {
                return None;
            }
            path.truncate(path.rfind(['.', '[']).unwrap_or(0));
        }
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() || name.is_empty() { format!("{path}{name}") } else { format!("{path}.{name}") }
}

/// Reads all objects of a file, and what is wrong with those that cannot be read.
pub fn read(input: &Input) -> (Vec<Object>, Vec<Problem>) {
    let (mut objects, mut problems) = (Vec::new(), Vec::new());
    let Ok(text) = std::str::from_utf8(&input.bytes) else {
        problems.push(unreadable(input, 1, None, "it is not UTF-8 text"));
        return (objects, problems);
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(documents) = json(text) {
        for (number, value) in documents.into_iter().enumerate() {
            add(input, number + 1, value, &Rc::default(), &mut objects, &mut problems);
        }
        return (objects, problems);
    }
    for (number, (first, text)) in documents(text).into_iter().enumerate() {
        match serde_saphyr::from_str::<Tree>(&text) {
            Ok(tree) => {
                let mut lines = Lines::new();
                let value = tree.flatten("", first, &mut lines);
                lines.entry(String::new()).or_insert(first + 1);
                add(input, number + 1, value, &Rc::new(lines), &mut objects, &mut problems);
            }
            Err(error) => {
                let line = error.location().and_then(|location| usize::try_from(location.line()).ok());
                let (line, message) = match broken_json(input) {
                    Some((line, message)) => (Some(line), message),
                    None => {
                        (line.map(|line| first + line), format!("it is not valid YAML: {}", in_short(&error)))
                    }
                };
                problems.push(unreadable(input, number + 1, line, &message));
            }
        }
    }
    (objects, problems)
}

/// Where a file that calls itself JSON is none, and why. It may be YAML all the same.
fn broken_json(input: &Input) -> Option<(usize, String)> {
    let calls_itself = Path::new(&input.name).extension().is_some_and(|extension| extension == "json");
    let mut documents = serde_json::Deserializer::from_slice(&input.bytes).into_iter::<Value>();
    let error = documents.find_map(Result::err).filter(|_| calls_itself)?;
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    Some((error.line(), format!("it is not valid JSON: {message}")))
}

/// The first line of an error, without the text that it is about, which may be a secret, and without its
/// place in the document: the problem has the line of the file.
fn in_short(error: &serde_saphyr::Error) -> String {
    let message = error.without_snippet().to_string();
    let message = message.lines().next().unwrap_or_default();
    let message = message.split(" at line ").next().unwrap_or_default();
    // What the library offers its callers, nobody who writes a manifest can choose.
    match message.split_once(", set DuplicateKeyPolicy") {
        Some((message, _)) => format!("{message}; remove one"),
        None => message.to_owned(),
    }
}

fn unreadable(input: &Input, document: usize, line: Option<usize>, message: &str) -> Problem {
    Problem {
        file: input.name.clone(),
        document,
        line,
        kind: None,
        namespace: None,
        name: None,
        field: None,
        severity: Severity::Error,
        message: message.to_owned(),
    }
}

/// Adds the object of a document, or the objects of a list.
fn add(
    input: &Input,
    document: usize,
    value: Value,
    lines: &Rc<Lines>,
    objects: &mut Vec<Object>,
    problems: &mut Vec<Problem>,
) {
    let object = |value: Value, prefix: String| Object {
        value,
        file: input.name.clone(),
        document,
        prefix,
        lines: Rc::clone(lines),
    };
    match value {
        // Comments, or nothing.
        Value::Null => {}
        Value::Object(mut fields) if is_list(&fields) => {
            let Some(Value::Array(items)) = fields.remove("items") else { return };
            objects.extend(
                items.into_iter().enumerate().map(|(place, item)| object(item, format!("items[{place}]"))),
            );
        }
        Value::Object(fields) => objects.push(object(Value::Object(fields), String::new())),
        _ => {
            let line = lines.get("").copied();
            problems.push(unreadable(
                input,
                document,
                line,
                "it is not an object but a single value or a list",
            ));
        }
    }
}

/// `kind: List`, as `kubectl get --output yaml` writes it.
fn is_list(fields: &Map<String, Value>) -> bool {
    let kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default();
    kind.ends_with("List") && fields.get("items").is_some_and(Value::is_array)
}

/// The documents of a text in JSON, one after the other.
fn json(text: &str) -> Option<Vec<Value>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().ok()
}

/// The documents of a text in YAML, each with the number of lines before it.
///
/// Three hyphens at the beginning of a line part documents wherever they stand.
fn documents(text: &str) -> Vec<(usize, String)> {
    let mut documents = vec![(0, String::new())];
    for (number, line) in text.lines().enumerate() {
        let marker = line.strip_prefix("---").filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        if let Some(rest) = marker {
            documents.push((number, format!("   {rest}\n")));
        } else if let Some((_, document)) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    // What stands before the first marker is mostly nothing and then no document.
    let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if documents.len() > 1 && documents[0].1.lines().all(blank) {
        documents.remove(0);
    }
    documents
}

/// A value with the lines of its fields.
enum Tree {
    Leaf(Value),
    List(Vec<(usize, Tree)>),
    Map(Vec<(String, usize, Tree)>),
}

impl Tree {
    /// The value; notes the line of each field, from the file's beginning.
    fn flatten(self, path: &str, first: usize, lines: &mut Lines) -> Value {
        match self {
            Self::Leaf(value) => value,
            Self::List(elements) => {
                let mut list = Vec::with_capacity(elements.len());
                for (place, (line, element)) in elements.into_iter().enumerate() {
                    let path = format!("{path}[{place}]");
                    lines.insert(path.clone(), first + line);
                    list.push(element.flatten(&path, first, lines));
                }
                Value::Array(list)
            }
            Self::Map(entries) => {
                let mut map = Map::new();
                for (name, line, value) in entries {
                    if map.is_empty() {
                        lines.entry(path.to_owned()).or_insert(first + line);
                    }
                    let path = joined(path, &name);
                    lines.insert(path.clone(), first + line);
                    map.insert(name, value.flatten(&path, first, lines));
                }
                Value::Object(map)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element::<Spanned<Tree>>()? {
            list.push((line(element.referenced), element.value));
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(name) = entries.next_key::<Spanned<String>>()? {
            map.push((name.value, line(name.referenced), entries.next_value()?));
        }
        Ok(Tree::Map(map))
    }
}

fn line(location: serde_saphyr::Location) -> usize {
    usize::try_from(location.line()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Vec<Object>, Vec<Problem>) {
        read(&Input { name: "x.yaml".into(), bytes: text.as_bytes().to_vec() })
    }

    #[test]
    fn each_field_has_its_line_in_the_file() {
        let text = "# one\n---\nkind: A\nmetadata:\n  name: a\n--- # two\nkind: B\nlist:\n- x: 1\n  y: 2\n- z\ntext: |\n  --\n   ---\n";
        let (objects, problems) = of(text);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(objects.iter().map(Object::kind).collect::<Vec<_>>(), ["A", "B"]);
        let lines = |object: &Object, fields: &[&str]| {
            fields.iter().map(|field| object.line(field).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(lines(&objects[0], &["", "kind", "metadata.name", "metadata.labels.x"]), [3, 3, 5, 4]);
        assert_eq!(
            lines(&objects[1], &["kind", "list[0]", "list[0].y", "list[1]", "text", "spec"]),
            [7, 9, 10, 11, 12, 7]
        );
        assert_eq!(objects[1].text("/text"), Some("--\n ---\n"));
    }

    #[test]
    fn lists_and_json_are_read_object_by_object() {
        let (objects, _) = of("kind: List\nitems:\n- kind: A\n- kind: B\n  spec: {x: 1}\n");
        assert_eq!(objects.iter().map(Object::kind).collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(objects[1].line("spec.x"), Some(5));
        assert_eq!(objects[1].line("metadata.name"), Some(4));
        let (objects, _) = of("{\n\t\"kind\": \"A\"\n}\n{\"kind\": \"B\"}");
        assert_eq!(objects.iter().map(Object::kind).collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(objects[0].line("kind"), None);
        let (objects, _) = of("{kind: A}");
        assert_eq!(objects[0].kind(), "A");
    }

    #[test]
    fn yaml_means_what_kubectl_takes_it_for() {
        let (objects, _) = of("a: yes\nb: on\nc: 012\nd: \"yes\"\ne: ~\nf: 1.5\n");
        let value = &objects[0].value;
        assert_eq!((&value["a"], &value["b"], &value["d"]), (&true.into(), &true.into(), &"yes".into()));
        assert_eq!((&value["e"], &value["f"]), (&Value::Null, &1.5.into()));
    }

    #[test]
    fn what_calls_itself_json_is_told_what_it_lacks_as_json() {
        let json = |text: &str| read(&Input { name: "x.json".into(), bytes: text.as_bytes().to_vec() });
        let (_, problems) = json("{\n\"password\": \"canary\"\n\"kind\": \"A\"}");
        assert_eq!(
            (problems[0].line, problems[0].message.as_str()),
            (Some(3), "it is not valid JSON: expected `,` or `}`")
        );
        assert_eq!(json("kind: A").0[0].kind(), "A");
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line_and_not_quoted() {
        let (objects, problems) =
            of("kind: A\n---\nkind: Secret\nstringData:\n  password: \"canary\n---\nkind: B\n");
        assert_eq!(objects.iter().map(Object::kind).collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].document, 2);
        assert!(problems[0].message.starts_with("it is not valid YAML"), "{problems:?}");
        assert!(!problems[0].message.contains("canary"), "{problems:?}");
        let (_, problems) = of("a: 1\nb: 2\na: 3\n");
        assert_eq!(problems[0].line, Some(3), "{problems:?}");
        assert_eq!(problems[0].message, "it is not valid YAML: duplicate mapping key: a; remove one");
        assert!(of("").1.is_empty() && of("---\n# nothing\n---\n").1.is_empty());
        assert!(of("- a\n").1[0].message.contains("not an object"));
        assert!(read(&Input { name: "x".into(), bytes: vec![0xff] }).1[0].message.contains("UTF-8"));
    }
}
