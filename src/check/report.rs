//! What a check has found, for people and for programs.

use std::fmt::{self, Write as _};

use serde::Serialize;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot work.
    Error,
    /// It may work; somebody should look at it.
    Warning,
}

/// Something that a person should mend or look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file as it was named, or `-` for the standard input.
    pub file: String,
    /// Which document of the file, from 1.
    pub document: usize,
    /// Line of the file, from 1; absent in JSON, whose lines are not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Kind of the object; absent when the document is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Namespace of the object, where the manifest names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Path of the field; absent when the problem is the whole object's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong and what to do. Holds no value of a Secret.
    pub message: String,
}

/// The outcome of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Files read, the standard input included.
    pub files: usize,
    /// Objects of `directory-sync.io` that were checked.
    pub objects: usize,
    /// Objects of other groups; only Secrets and ConfigMaps among them were looked at.
    pub others: usize,
    /// Everything found, in the order of the files.
    pub problems: Vec<Problem>,
}

impl Report {
    /// How many problems of a severity there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    /// Whether the manifests may pass; `strict` lets no warning pass.
    #[must_use]
    pub fn passes(&self, strict: bool) -> bool {
        self.count(Severity::Error) == 0 && (!strict || self.problems.is_empty())
    }

    /// One line for each problem: `FILE:LINE: KIND/NAME: FIELD: MESSAGE`.
    #[must_use]
    pub fn text(&self) -> String {
        self.problems.iter().fold(String::new(), |mut text, problem| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{problem}");
            text
        })
    }

    /// One sentence about everything.
    #[must_use]
    pub fn summary(&self) -> String {
        let counted =
            |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        format!(
            "{}, {} of directory-sync.io, {} of other groups: {}, {}",
            counted(self.files, "file", "files"),
            counted(self.objects, "object", "objects"),
            self.others,
            counted(self.count(Severity::Error), "error", "errors"),
            counted(self.count(Severity::Warning), "warning", "warnings"),
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(kind) = &self.kind {
            let names = [Some(kind), self.namespace.as_ref(), self.name.as_ref()];
            let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
            write!(f, ": {}", names.join("/"))?;
        }
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        if self.severity == Severity::Warning {
            f.write_str(": warning")?;
        }
        write!(f, ": {}", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        Problem {
            file: "apps/acme.yaml".into(),
            document: 2,
            line: Some(14),
            kind: Some("Directory".into()),
            namespace: Some("crm".into()),
            name: Some("acme".into()),
            field: Some("spec.provider.ldap.url".into()),
            severity: Severity::Error,
            message: "must be set".into(),
        }
    }

    #[test]
    fn a_line_says_where_and_what() {
        let error = problem();
        assert_eq!(
            error.to_string(),
            "apps/acme.yaml:14: Directory/crm/acme: spec.provider.ldap.url: must be set"
        );
        let warning =
            Problem { line: None, namespace: None, field: None, severity: Severity::Warning, ..problem() };
        assert_eq!(warning.to_string(), "apps/acme.yaml: Directory/acme: warning: must be set");
    }

    #[test]
    fn warnings_pass_unless_the_check_is_strict() {
        let warning = Problem { severity: Severity::Warning, ..problem() };
        let report = Report { problems: vec![warning], files: 1, objects: 1, others: 3 };
        assert!(report.passes(false) && !report.passes(true));
        assert_eq!(
            report.summary(),
            "1 file, 1 object of directory-sync.io, 3 of other groups: 0 errors, 1 warning"
        );
        assert!(!Report { problems: vec![problem()], ..report }.passes(false));
        assert!(Report::default().passes(true));
    }
}
