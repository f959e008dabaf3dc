//! The function libraries that we keep in Redis. Their text is part of this binary, so that the
//! functions and those who call them are of one version.

use std::borrow::Cow;

use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Value};

/// A library of functions.
pub(crate) struct FunctionLibrary {
    /// Its name in Redis, which its first line says too.
    pub(crate) name: &'static str,
    code: &'static str,
}

/// All of them: the edge's, and the service's own.
pub(crate) const ALL: [FunctionLibrary; 2] = [
    FunctionLibrary { name: "tideline", code: include_str!("../../../infra/redis/tideline.lua") },
    FunctionLibrary {
        name: "tideline_service",
        code: include_str!("../../../infra/redis/tideline_service.lua"),
    },
];

/// What Redis has of a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// This very text.
    This,
    /// Another text of the same name.
    Another,
    /// Nothing.
    Nothing,
}

impl FunctionLibrary {
    /// What Redis has of it.
    pub(crate) async fn loaded(&self, redis: &mut MultiplexedConnection) -> RedisResult<Loaded> {
        let mut command = redis::cmd("FUNCTION");
        command.arg("LIST").arg("LIBRARYNAME").arg(self.name).arg("WITHCODE");
        let libraries: Vec<Vec<Value>> = command.query_async(redis).await?;
        let Some(library) = libraries.first() else { return Ok(Loaded::Nothing) };
        // A flat list of names and values.
        let code = library.chunks_exact(2).find_map(|pair| match pair {
            [name, code] if text(name) == Some("library_code") => text(code),
            _ => None,
        });
        let is_this = code.is_some_and(|code| Rendering::ALL.iter().any(|it| self.render(*it) == code));
        Ok(if is_this { Loaded::This } else { Loaded::Another })
    }

    /// Puts it into Redis, over the one of the same name.
    pub(crate) async fn load(&self, redis: &mut MultiplexedConnection) -> RedisResult<()> {
        let mut load = async |rendering| {
            let code = self.render(rendering);
            redis::cmd("FUNCTION").arg("LOAD").arg("REPLACE").arg(&*code).exec_async(redis).await
        };
        match load(Rendering::KeyLocking).await {
            // Nothing was loaded, and what was there is there.
            Err(error) if error.to_string().contains("unknown flag") => load(Rendering::Plain).await,
            loaded => loaded,
        }
    }

    /// Its text for one kind of database.
    fn render(&self, rendering: Rendering) -> Cow<'static, str> {
        match rendering {
            Rendering::Plain => Cow::Borrowed(self.code),
            Rendering::KeyLocking => Cow::Owned(self.code.replace(FLAGS, "flags = { 'allow-key-locking', ")),
        }
    }
}

/// How each function's flags begin.
const FLAGS: &str = "flags = { ";

/// For which kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rendering {
    /// One that runs a function at a time, as Redis and Valkey do. They refuse flags that they do not know.
    Plain,
    /// One that locks whole while a function runs, unless it says that it touches the keys alone that it is told of: Upstash.
    KeyLocking,
}

impl Rendering {
    const ALL: [Self; 2] = [Self::Plain, Self::KeyLocking];
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_libraries_give_themselves() {
        for library in ALL {
            assert_eq!(library.code.lines().next(), Some(format!("#!lua name={}", library.name).as_str()));
        }
    }

    #[test]
    fn where_functions_lock_keys_each_of_them_says_so_and_nothing_else_differs() {
        for library in ALL {
            let rendered = library.render(Rendering::KeyLocking);
            let functions = library.code.matches("redis.register_function").count();
            assert_eq!(
                rendered.matches("flags = { 'allow-key-locking', ").count(),
                functions,
                "{}",
                library.name
            );
            assert_eq!(rendered.replace("'allow-key-locking', ", ""), library.render(Rendering::Plain));
        }
    }
}
