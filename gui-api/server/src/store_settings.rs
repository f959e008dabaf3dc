//! Where documents are kept: in a directory of this machine, or on a search server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use tideline_store::{
    Credentials, ElasticsearchOptions, ElasticsearchStore, EmbeddedOptions, EmbeddedStore, Found, Store,
};

use crate::secret;

const PASSWORD: &str = "TIDELINE_SEARCH_PASSWORD";
const API_KEY: &str = "TIDELINE_SEARCH_API_KEY";

/// The secrets of a search server.
pub(crate) const SECRETS: [&str; 2] = [PASSWORD, API_KEY];

/// Where documents are kept. The same for everything that belongs to an installation.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct StoreSettings {
    /// Directory of the embedded store. Made if it is not there.
    #[arg(long, env = "TIDELINE_DATA_DIR", value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,

    /// Nodes of Elasticsearch or OpenSearch instead, as in https://search-1:9200; separate several with commas. Who we are
    /// is told by TIDELINE_SEARCH_API_KEY, or by --search-user and TIDELINE_SEARCH_PASSWORD.
    #[arg(long = "search-url", env = "TIDELINE_SEARCH_URLS", value_name = "URL", value_delimiter = ',')]
    search_urls: Vec<String>,

    /// User of the search server.
    #[arg(long, env = "TIDELINE_SEARCH_USER", value_name = "NAME")]
    search_user: Option<String>,

    /// File that holds its password, instead of TIDELINE_SEARCH_PASSWORD.
    #[arg(long, env = "TIDELINE_SEARCH_PASSWORD_FILE", value_name = "FILE")]
    search_password_file: Option<PathBuf>,

    /// File that holds an API key of the search server, instead of TIDELINE_SEARCH_API_KEY.
    #[arg(long, env = "TIDELINE_SEARCH_API_KEY_FILE", value_name = "FILE")]
    search_api_key_file: Option<PathBuf>,

    /// File with the certificates that the search server's is signed by, as PEM; the system's when there is none.
    #[arg(long, env = "TIDELINE_SEARCH_CA_FILE", value_name = "FILE")]
    search_ca_file: Option<PathBuf>,

    /// What the names of all indices begin with.
    #[arg(long, env = "TIDELINE_SEARCH_PREFIX", value_name = "PREFIX", default_value = "tideline")]
    search_prefix: String,

    /// Copies of each shard besides the first; 0 on a single node.
    #[arg(long, env = "TIDELINE_SEARCH_REPLICAS", value_name = "NUMBER", default_value_t = 1)]
    search_replicas: u8,
}

/// Where documents are kept.
enum Place<'a> {
    Directory(&'a Path),
    SearchServer(Box<ElasticsearchOptions>),
}

/// What was found where the store is to be, which was not changed.
pub(crate) enum Look {
    /// A store, or none, and where.
    Is(Option<Arc<dyn Store>>, String),
    /// A store that the next start brings up to date.
    Older,
}

impl StoreSettings {
    /// Opens the store, and makes it if there is none.
    pub(crate) async fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        match self.place()? {
            Place::Directory(folder) => {
                Ok(Arc::new(EmbeddedStore::open(folder, EmbeddedOptions::default())?))
            }
            Place::SearchServer(options) => {
                let store = ElasticsearchStore::connect(*options).await?;
                store.make().await?;
                Ok(Arc::new(store))
            }
        }
    }

    /// Looks for the store, and changes nothing.
    pub(crate) async fn look(&self) -> anyhow::Result<Look> {
        match self.place()? {
            Place::Directory(folder) => {
                let place = folder.display().to_string();
                Ok(match EmbeddedStore::find(folder)? {
                    Found::Nothing => Look::Is(None, place),
                    Found::Older => Look::Older,
                    Found::UpToDate => Look::Is(Some(self.open().await?), place),
                })
            }
            Place::SearchServer(options) => {
                let place = options.nodes.join(", ");
                let store = ElasticsearchStore::connect(*options).await?;
                let is_made = store.is_made().await?;
                Ok(Look::Is(is_made.then(|| Arc::new(store) as Arc<dyn Store>), place))
            }
        }
    }

    fn place(&self) -> anyhow::Result<Place<'_>> {
        match (self.data_dir.as_deref(), self.search_urls.is_empty()) {
            (Some(folder), true) => Ok(Place::Directory(folder)),
            (None, false) => Ok(Place::SearchServer(Box::new(self.search_server()?))),
            (Some(_), false) => bail!(
                "there are two places for the store: unset --data-dir (TIDELINE_DATA_DIR) or --search-url (TIDELINE_SEARCH_URLS)"
            ),
            (None, true) => bail!(
                "there is no place for the store: name a directory with --data-dir (TIDELINE_DATA_DIR), or a search server with --search-url (TIDELINE_SEARCH_URLS)"
            ),
        }
    }

    fn search_server(&self) -> anyhow::Result<ElasticsearchOptions> {
        let password = secret::read_optional(PASSWORD, self.search_password_file.as_deref())?;
        let api_key = secret::read_optional(API_KEY, self.search_api_key_file.as_deref())?;
        let credentials = match (&self.search_user, password, api_key) {
            (None, None, None) => None,
            (None, None, Some(key)) => Some(Credentials::ApiKey(key.reveal().to_owned())),
            (Some(user), Some(password), None) => {
                Some(Credentials::Basic { user: user.clone(), password: password.reveal().to_owned() })
            }
            (Some(_), None, None) => {
                bail!("--search-user (TIDELINE_SEARCH_USER) needs a password: set {PASSWORD}")
            }
            (None, Some(_), None) => {
                bail!("{PASSWORD} is nobody's: say whose with --search-user (TIDELINE_SEARCH_USER)")
            }
            (_, _, Some(_)) => {
                bail!("there are a password and an API key for the search server: unset one of them")
            }
        };
        let read = |path: &PathBuf| {
            std::fs::read(path)
                .with_context(|| format!("TIDELINE_SEARCH_CA_FILE: cannot read {}", path.display()))
        };
        for url in &self.search_urls {
            check_url(url)?;
        }
        Ok(ElasticsearchOptions {
            credentials,
            certificate_authority: self.search_ca_file.as_ref().map(read).transpose()?,
            prefix: self.search_prefix.clone(),
            replicas: self.search_replicas,
            ..ElasticsearchOptions::new(self.search_urls.clone())
        })
    }
}

/// Whether this is where a node may be. Its own error never quotes what may hold a password.
fn check_url(text: &str) -> anyhow::Result<()> {
    let url = url::Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        bail!(
            "TIDELINE_SEARCH_URLS has an address that is none of a server: write https://search.example:9200, commas between"
        );
    };
    if !url.username().is_empty() || url.password().is_some() {
        bail!(
            "TIDELINE_SEARCH_URLS has a user or a password in it: set TIDELINE_SEARCH_USER and {PASSWORD} instead"
        );
    }
    Ok(())
}
