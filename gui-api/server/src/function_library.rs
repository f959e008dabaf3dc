//! The function libraries that we keep in Redis. Their text is part of this binary, so that the
//! functions and those who call them are of one version.

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
        Ok(if code == Some(self.code) { Loaded::This } else { Loaded::Another })
    }

    /// Puts it into Redis, over the one of the same name.
    pub(crate) async fn load(&self, redis: &mut MultiplexedConnection) -> RedisResult<()> {
        redis::cmd("FUNCTION").arg("LOAD").arg("REPLACE").arg(self.code).exec_async(redis).await
    }
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
}
