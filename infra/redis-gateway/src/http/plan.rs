//! A request understood: what goes to Redis, and what waits for the replies.
//!
//! Whatever form commands come in, each of them passes the token's policy here, as the very words that
//! Redis will get, before a byte of the request is sent.

use super::forms::Form;
use crate::answer::{Answer, Format, Item};
use crate::command::{Address, CommandLimits, Commands, parse_command, parse_list, parse_path};
use crate::failure::Failure;
use crate::options::Limits;
use crate::policy::Policy;
use crate::resp::encode_command;

/// What goes to Redis, and what waits for the replies.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) commands: Vec<u8>,
    pub(super) answer: Answer,
}

/// Where the commands are, and what they may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) address: Address<'a>,
    pub(super) body: &'a [u8],
    pub(super) policy: &'a Policy,
    pub(super) limits: &'a Limits,
}

impl<'a> Reading<'a> {
    fn command_limits(self) -> CommandLimits {
        CommandLimits {
            commands: self.limits.max_pipeline_commands,
            arguments: self.limits.max_command_arguments,
        }
    }

    /// The plan for commands that are answered once.
    pub(super) fn plan(self, form: Form, format: Format) -> Result<Plan, Failure> {
        match form {
            Form::Body => self.one(parse_command(self.body, self.command_limits())?, format),
            Form::Path => self.one(parse_path(self.address, self.body, self.command_limits())?, format),
            Form::Pipeline => self.pipeline(format),
            Form::Transaction => self.transaction(format),
        }
    }

    fn one(self, list: Commands, format: Format) -> Result<Plan, Failure> {
        list.iter().try_for_each(|command| self.policy.check(command))?;
        let answer = Answer::single(self.limits.max_answer_bytes, format);
        Ok(Plan { commands: list.into_encoded(), answer })
    }

    /// A refused command has its refusal in its place; the others are sent.
    fn pipeline(self, format: Format) -> Result<Plan, Failure> {
        let list = parse_list(self.body, self.command_limits())?;
        let mut passed = Vec::with_capacity(list.len());
        let items = list.iter().map(|command| match self.policy.check(command) {
            Ok(()) => {
                passed.push(command.encoded());
                Item::Reply
            }
            Err(refusal) => Item::Refused(refusal),
        });
        let items: Vec<_> = items.collect();
        let commands = if passed.len() == items.len() { list.into_encoded() } else { passed.concat() };
        Ok(Plan { commands, answer: Answer::pipeline(self.limits.max_answer_bytes, format, items) })
    }

    /// All or nothing: one refused command refuses them all.
    fn transaction(self, format: Format) -> Result<Plan, Failure> {
        let list = parse_list(self.body, self.command_limits())?;
        list.iter().try_for_each(|command| self.policy.check(command))?;
        let limit = self.limits.max_answer_bytes;
        if list.len() == 0 {
            return Ok(Plan { commands: Vec::new(), answer: Answer::pipeline(limit, format, Vec::new()) });
        }
        let mut commands = Vec::with_capacity(list.encoded().len().saturating_add(64));
        encode_command(&mut commands, &["MULTI"]);
        commands.extend_from_slice(list.encoded());
        encode_command(&mut commands, &["EXEC"]);
        Ok(Plan { commands, answer: Answer::transaction(limit, format, list.len()) })
    }

    /// The command that opens a stream, in RESP2. Its body is not looked at: clients repeat the command
    /// in it.
    pub(super) fn stream(self) -> Result<Vec<u8>, Failure> {
        let address = Address { query: None, ..self.address };
        let list = parse_path(address, b"", self.command_limits())?;
        list.iter().try_for_each(|command| self.policy.check_stream(command))?;
        Ok(list.into_encoded())
    }
}
