//! `directory-sync preview`: reads the source of a Directory and shows what would result, without
//! writing anything and without needing a cluster.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use http::Uri;
use kube::{Api, Client};

use super::output::{OutputFormat, json};
use super::print;
use crate::api::Directory;
use crate::cluster::client::{address, explain_at};
use crate::cluster::{config, references};
use crate::preview::difference::{Difference, Mirrors};
use crate::preview::given::{Folder, Given};
use crate::preview::listing::Listing;
use crate::preview::raw::Raw;
use crate::preview::{self, Reading};
use crate::source::{Material, Reference, ReferenceKind};
use crate::telemetry;

/// Arguments of `directory-sync preview`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Secrets and ConfigMaps that the Directory names are taken from the files given with -f, from folders \
with a file for each key, or, with --from-cluster, from the cluster of the current kubeconfig.

Examples:
  directory-sync preview -f directory.yaml -f people.yaml
  directory-sync preview -f directory.yaml --secret acme-ldap=./acme-ldap
  directory-sync preview -f directory.yaml --from-cluster --diff
  directory-sync preview -f directory.yaml --from-cluster --raw")]
pub struct PreviewArgs {
    /// Manifests with the Directory, and perhaps the Secrets and ConfigMaps it names: files, folders
    /// with everything below them, or `-` for the standard input.
    #[arg(short, long = "file", visible_alias = "filename", value_name = "FILE", required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    /// Which Directory, where the manifests have several.
    #[arg(long)]
    directory: Option<String>,
    /// A Secret that the Directory names, from a folder with a file for each key. Can be repeated.
    #[arg(long = "secret", value_name = "NAME=FOLDER")]
    secrets: Vec<Folder>,
    /// The same for a ConfigMap.
    #[arg(long = "config-map", value_name = "NAME=FOLDER")]
    config_maps: Vec<Folder>,
    /// Reads what is not given from the cluster.
    #[arg(long)]
    from_cluster: bool,
    /// Namespace of the Directory in the cluster; default: the manifest's, else the kubeconfig's. Where the
    /// manifests have several Directories, those in it.
    #[arg(short, long)]
    namespace: Option<String>,
    /// Shows the difference to the mirrors in the cluster instead of everybody.
    #[arg(long, conflicts_with = "raw")]
    diff: bool,
    /// Shows the source's own records, as `raw` in `mapping` and `scope` has them.
    #[arg(long)]
    raw: bool,
    /// With --raw: how many records of each kind are shown whole.
    #[arg(long, default_value_t = 2, requires = "raw")]
    records: usize,
    /// Form of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// A cluster and the namespace that is meant in it.
struct Cluster {
    client: Client,
    url: Uri,
    namespace: String,
}

/// Shows what would result.
///
/// # Errors
/// When the manifests cannot be read, the spec cannot work, the source does not answer, or a
/// cluster that is asked for does not.
pub fn run(args: &PreviewArgs) -> anyhow::Result<()> {
    telemetry::init_for_command()?;
    let given = Given::read(&args.files, &args.secrets, &args.config_maps)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let text = runtime.block_on(preview(args, &given))?;
    print(&text)
}

async fn preview(args: &PreviewArgs, given: &Given) -> anyhow::Result<String> {
    let directory = given.directory(args.directory.as_deref(), args.namespace.as_deref())?;
    let cluster = connect(args, &directory).await?;
    let material = material(given, &directory, cluster.as_ref().filter(|_| args.from_cluster)).await?;
    let mut reading = preview::read(&directory, &material).await?;
    let unused = given.besides(&directory.spec.provider.provider().references());
    let unused =
        unused.into_iter().map(|given| format!("{given} was given, and spec.provider does not name it."));
    reading.notes.extend(unused);
    match (&cluster, args.raw) {
        (_, true) => raw(args, &reading),
        (Some(cluster), false) if args.diff => difference(args, cluster, &reading).await,
        _ => listing(args, &reading),
    }
}

fn raw(args: &PreviewArgs, reading: &Reading) -> anyhow::Result<String> {
    let raw = Raw::of(reading, args.records)?;
    match args.output {
        OutputFormat::Text => Ok(raw.text()?),
        OutputFormat::Json => json(&raw),
    }
}

fn listing(args: &PreviewArgs, reading: &Reading) -> anyhow::Result<String> {
    let listing = Listing::of(reading)?;
    match args.output {
        OutputFormat::Text => Ok(listing.text()),
        OutputFormat::Json => json(&listing),
    }
}

async fn difference(args: &PreviewArgs, cluster: &Cluster, reading: &Reading) -> anyhow::Result<String> {
    let Cluster { client, url, namespace } = cluster;
    let directories: Api<Directory> = Api::namespaced(client.clone(), namespace);
    let known = directories.get_metadata_opt(&reading.directory).await;
    let known = known.map_err(|error| {
        anyhow!("Directory {} in {namespace}: {}", reading.directory, explain_at(&error, url))
    })?;
    let uid = known.and_then(|known| known.metadata.uid).unwrap_or_default();
    let mirrors = Mirrors::read(client, namespace, &reading.directory, &uid).await;
    let mirrors = mirrors.with_context(|| format!("the mirrors in {namespace} could not be read"))?;
    let difference = Difference::of(reading, &mirrors, &uid)?;
    match args.output {
        OutputFormat::Text => Ok(difference.text()),
        OutputFormat::Json => json(&difference),
    }
}

async fn connect(args: &PreviewArgs, directory: &Directory) -> anyhow::Result<Option<Cluster>> {
    if !args.from_cluster && !args.diff {
        return Ok(None);
    }
    // The error's own text holds its causes already.
    let config = config::infer().await.map_err(|error| {
        anyhow!(
            "no cluster: --from-cluster and --diff need a kubeconfig (KUBECONFIG, ~/.kube/config): {error}"
        )
    })?;
    let namespace = args.namespace.clone().or_else(|| directory.metadata.namespace.clone());
    let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
    let url = config.cluster_url.clone();
    Ok(Some(Cluster { client: Client::try_from(config)?, url, namespace }))
}

/// What the Directory names: as given, the rest from the cluster if that is allowed.
async fn material(
    given: &Given,
    directory: &Directory,
    cluster: Option<&Cluster>,
) -> anyhow::Result<Material> {
    let namespace = directory.metadata.namespace.as_deref();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for reference in directory.spec.provider.provider().references() {
        match given.data(&reference, namespace) {
            Some(data) => found.push((reference, data.to_vec())),
            None => missing.push(reference),
        }
    }
    let mut material = match (missing.first(), cluster) {
        (None, _) => Material::default(),
        (Some(_), Some(Cluster { client, url, namespace })) => {
            let read = references::read(client, namespace, &missing).await;
            read.map_err(|error| anyhow!("in namespace {namespace} of {}: {error}", address(url)))?.0
        }
        (Some(first), None) => bail!(not_given(given, directory, first)),
    };
    for (reference, data) in found {
        material.insert(reference, data);
    }
    Ok(material)
}

/// What to do about a reference that was not given.
fn not_given(given: &Given, directory: &Directory, missing: &Reference) -> String {
    let besides = given.besides(&directory.spec.provider.provider().references());
    let besides: Vec<String> = besides.into_iter().map(Reference::to_string).collect();
    let instead = if besides.is_empty() {
        String::new()
    } else {
        format!(" (only {}, which it does not name)", besides.join(", "))
    };
    let option = match missing.kind {
        ReferenceKind::Secret => "secret",
        ReferenceKind::ConfigMap => "config-map",
    };
    format!(
        "spec.provider names {missing}, which is not given{instead}: add its manifest with -f, a folder with a file \
         for each of its keys with --{option}={}=FOLDER, or read it from the cluster with --from-cluster",
        missing.name
    )
}
